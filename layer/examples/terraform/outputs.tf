output "layer_arn" {
  description = "For the function's layers"
  value       = var.layer_arn != null ? var.layer_arn : one(aws_lambda_layer_version.extension[*].arn)

  precondition {
    condition     = (var.layer_arn == null) != (var.layer_zip == null)
    error_message = "Set one of layer_zip, the zip of a release, and layer_arn, a layer that is published already."
  }

  precondition {
    condition     = var.layer_arn == null || can(regex("-${var.architecture}:[0-9]+$", var.layer_arn))
    error_message = "layer_arn is not of a layer for the function's architecture, which the variable architecture says."
  }
}

output "environment" {
  description = "For the function's environment variables: parameters that are read together share a call"
  value       = { PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS = "TRUE" }
}
