variable "role_name" {
  description = "The function's execution role"
  type        = string
}

variable "architecture" {
  description = "The function's: arm64 or x86_64"
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "It is arm64 or x86_64."
  }
}

variable "layer_zip" {
  description = "The zip to publish as a layer of this account"
  type        = string
  default     = null
}

variable "layer_arn" {
  description = "A layer that is published already, instead of layer_zip"
  type        = string
  default     = null
}

variable "secret_names" {
  description = "Secrets that the function may read"
  type        = list(string)
  default     = []
}

variable "parameter_names" {
  description = "Parameters that the function may read"
  type        = list(string)
  default     = []
}

variable "kms_key_arns" {
  description = "Keys of your own that these are encrypted with"
  type        = list(string)
  default     = []
}
