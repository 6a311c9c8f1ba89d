# Gives an existing function the extension, and its role the right to read what it is to read.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 7.0"
    }
  }
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  place     = "${data.aws_region.current.name}:${data.aws_caller_identity.current.account_id}"
}

# The layer of this account, from the zip that a release has. Where it is published already, give
# its ARN instead.
resource "aws_lambda_layer_version" "extension" {
  count = var.layer_zip == null ? 0 : 1

  layer_name               = "parameters-secrets-extension-${var.architecture}"
  filename                 = var.layer_zip
  source_code_hash         = filebase64sha256(var.layer_zip)
  compatible_architectures = [var.architecture]
  license_info             = "Apache-2.0"
}

data "aws_iam_policy_document" "read" {
  dynamic "statement" {
    for_each = length(var.secret_names) > 0 ? [1] : []
    content {
      sid     = "ReadSecrets"
      actions = ["secretsmanager:GetSecretValue"]
      # The six characters that Secrets Manager appends to a name.
      resources = [for name in var.secret_names : "arn:${local.partition}:secretsmanager:${local.place}:secret:${name}-??????"]
    }
  }

  dynamic "statement" {
    for_each = length(var.parameter_names) > 0 ? [1] : []
    content {
      sid = "ReadParameters"
      # The second for PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS=TRUE.
      actions   = ["ssm:GetParameter", "ssm:GetParameters"]
      resources = [for name in var.parameter_names : "arn:${local.partition}:ssm:${local.place}:parameter/${trimprefix(name, "/")}"]
    }
  }

  # Only values under a key of your own need it.
  dynamic "statement" {
    for_each = length(var.kms_key_arns) > 0 ? [1] : []
    content {
      sid       = "DecryptThem"
      actions   = ["kms:Decrypt"]
      resources = var.kms_key_arns
    }
  }
}

# IAM takes no policy without statements: where nothing is named there is no policy.
resource "aws_iam_role_policy" "read" {
  count = length(concat(var.secret_names, var.parameter_names, var.kms_key_arns)) > 0 ? 1 : 0

  name   = "parameters-secrets-extension"
  role   = var.role_name
  policy = data.aws_iam_policy_document.read.json
}
