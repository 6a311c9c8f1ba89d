output "layer_arn" {
  description = "For the function's layers"
  value       = var.layer_arn != null ? var.layer_arn : one(aws_lambda_layer_version.extension[*].arn)

  precondition {
    condition     = var.layer_arn != null || var.layer_zip != null
    error_message = "There is no layer: set layer_zip to a release's zip, which is then published, or layer_arn to one that is published already."
  }
}
