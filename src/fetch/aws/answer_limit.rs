//! Bounds what is read of an answer.

use std::mem;

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};
use http_body_util::Limited;

/// The largest answer that is read.
///
/// A value has 64 KiB at most, six times that if every character of it is escaped; ten parameters
/// in one answer have 8 KiB each. Whatever is larger comes from elsewhere, and would hold the call
/// thread while it is parsed, and the memory of the function.
pub(super) const LARGEST_ANSWER: usize = 1 << 20;

/// Ends the reading of a larger answer with an error.
#[derive(Debug)]
pub(super) struct AnswerLimit;

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "AnswerLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().body_mut();
        let whole = mem::replace(body, SdkBody::taken());
        *body = SdkBody::from_body_1_x(Limited::new(whole, LARGEST_ANSWER));
        Ok(())
    }
}
