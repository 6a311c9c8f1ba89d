output "layer_arn" {
  description = "For the function's layers"
  value       = coalesce(var.layer_arn, one(aws_lambda_layer_version.extension[*].arn))
}
