// A function with the layer, and no more rights than it needs: npm ci, then npx cdk deploy -c layerArn=ARN
// (or, to see the template: npm run synth -- -c layerArn=ARN)
import * as path from "node:path";
import { App, ArnFormat, CfnOutput, Duration, Stack, StackProps } from "aws-cdk-lib";
import * as iam from "aws-cdk-lib/aws-iam";
import * as lambda from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

interface Props extends StackProps {
  /** What layer/publish has printed for this region and architecture. */
  readonly layerArn: string;
  readonly secretName: string;
  /** Without the leading slash. */
  readonly parameterName: string;
}

export class FunctionWithExtension extends Stack {
  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id, props);

    const reader = new lambda.Function(this, "Function", {
      code: lambda.Code.fromAsset(path.join(__dirname, "..", "function")),
      handler: "app.handler",
      runtime: lambda.Runtime.PYTHON_3_13,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 256,
      // Lambda's default of 3 seconds is shorter than what AWS may need to answer a first read.
      timeout: Duration.seconds(10),
      layers: [lambda.LayerVersion.fromLayerVersionArn(this, "Extension", props.layerArn)],
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
    reader.addToRolePolicy(
      new iam.PolicyStatement({
        actions: ["ssm:GetParameter"],
        resources: [this.formatArn({ service: "ssm", resource: "parameter", resourceName: props.parameterName })],
      }),
    );
    // Values under a key of your own need kms:Decrypt on that key as well: key.grantDecrypt(reader).

    new CfnOutput(this, "FunctionName", { value: reader.functionName });
  }
}

const app = new App();
new FunctionWithExtension(app, "FunctionWithExtension", {
  layerArn: app.node.getContext("layerArn"),
  secretName: app.node.tryGetContext("secretName") ?? "example/database",
  parameterName: app.node.tryGetContext("parameterName") ?? "example/url",
});
