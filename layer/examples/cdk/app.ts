// A function with the layer, and no more rights than it needs:
//
//   npm ci
//   npm run synth     the template alone, in cdk.out; the same as npx cdk synth
//   npx cdk deploy --parameters ExtensionLayerArn=...
//
// -c architecture=x86_64 for the other architecture: the layer has to be of the function's.
import * as path from "node:path";
import { App, ArnFormat, CfnOutput, CfnParameter, Duration, Stack, StackProps } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

interface Props extends StackProps {
  readonly architecture: lambda.Architecture;
  readonly secretName: string;
  /** Without the leading slash. */
  readonly parameterName: string;
}

export class FunctionWithExtension extends Stack {
  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id, props);

    const layerArn = new CfnParameter(this, "ExtensionLayerArn", {
      description: "What layer/publish has printed for this region and architecture",
      allowedPattern: `^arn:aws[a-z-]*:lambda:[a-z0-9-]+:[0-9]{12}:layer:[A-Za-z0-9_-]+-${props.architecture.name}:[0-9]+$`,
      constraintDescription: `the ARN of a layer version for ${props.architecture.name}`,
    });
    const reader = new lambda.Function(this, "Function", {
      code: lambda.Code.fromAsset(path.join(__dirname, "..", "function")),
      handler: "app.handler",
      runtime: lambda.Runtime.PYTHON_3_13,
      architecture: props.architecture,
      memorySize: 256,
      // Lambda's default of 3 seconds is shorter than what AWS may need to answer a first read.
      timeout: Duration.seconds(10),
      layers: [lambda.LayerVersion.fromLayerVersionArn(this, "Extension", layerArn.valueAsString)],
      environment: { SECRET_NAME: props.secretName, PARAMETER_NAME: `/${props.parameterName}` },
    });
    reader.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ["secretsmanager:GetSecretValue"],
        // The six characters that Secrets Manager appends to a name.
        resources: [this.formatArn({
          service: "secretsmanager",
          resource: "secret",
          resourceName: `${props.secretName}-??????`,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        })],
      }),
    );
    // A read that takes longer is an error that the function sees, or the old value: two reads fit
    // into its time-out.
    reader.addEnvironment("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", "4000");
    // Parameters that are read together share a call: ssm:GetParameters below.
    reader.addEnvironment("PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS", "TRUE");
    reader.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ["ssm:GetParameter", "ssm:GetParameters"],
        resources: [this.formatArn({ service: "ssm", resource: "parameter", resourceName: props.parameterName })],
      }),
    );
    // Values under a key of your own need kms:Decrypt on that key as well:
    // key.grantDecrypt(reader).

    new CfnOutput(this, "FunctionName", { value: reader.functionName });
  }
}

const app = new App();
new FunctionWithExtension(app, "FunctionWithExtension", {
  architecture: app.node.tryGetContext("architecture") === "x86_64"
    ? lambda.Architecture.X86_64
    : lambda.Architecture.ARM_64,
  secretName: app.node.tryGetContext("secretName") ?? "example/database",
  parameterName: app.node.tryGetContext("parameterName") ?? "example/url",
});
