//! Lambda: the invocation of a function that waits for its result.

use std::sync::Weak;

use serde_json::{Value, json};

use super::wire::{Request, Response, unknown_operation, unreadable};
use crate::function::{LocalFunction, NamedFunctions};

/// The header by which Lambda says that a function failed. The status is that of a success.
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// Lambda's answer to `request`.
pub(super) async fn handle(
    functions: Option<&Weak<NamedFunctions>>,
    request: &Request,
) -> Response {
    let Some(name) = &request.function else { return unknown_operation(request) };
    let functions = functions.and_then(Weak::upgrade);
    let Some(function) = functions.and_then(|functions| functions.get(name.as_str()).cloned())
    else {
        let message = format!("Function not found: {name}");
        return Response::refusal_with(404, "ResourceNotFoundException", &message);
    };
    match request.input() {
        Ok(event) => result(&function, event).await,
        Err(error) => unreadable(request, &error),
    }
}

async fn result(function: &LocalFunction, event: Value) -> Response {
    match function.invoke(event).await {
        Ok(result) => Response::ok(&result),
        Err(error) => {
            tracing::error!(error, "invocation failed");
            let failed =
                json!({ "errorType": "InvocationFailed", "errorMessage": error.to_string() });
            Response::ok(&failed).with_header(FUNCTION_ERROR, "Unhandled")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use aws_smithy_runtime_api::client::http::SharedHttpClient;
    use steelyard_runtime::{Callee, Error, Function, Invocation, InvokeError, aws, chain};

    use super::super::tests::Stack;
    use super::super::{Fault, Gate, Target, Transport};
    use super::*;

    /// Answers an event with itself; fails for a text, and stays for null.
    struct Echo;

    impl Function for Echo {
        async fn handle(&self, event: Value, _: Invocation) -> Result<Value, Error> {
            if event.is_null() {
                std::future::pending::<()>().await;
            }
            event.as_str().map_or_else(|| Ok(event.clone()), |why| Err(why.into()))
        }
    }

    /// Lambda with the function `echo`, which ends with the test.
    async fn lambda() -> (Transport, Arc<NamedFunctions>) {
        let embedded = Stack::new().await.embedded;
        let echo = LocalFunction::new(Echo, Duration::from_millis(100));
        let functions = Arc::new(NamedFunctions::from([("echo", echo)]));
        embedded.run_functions(&functions);
        (Transport::new(embedded), functions)
    }

    fn callee(transport: &Transport, name: &str) -> Callee {
        let http_client = SharedHttpClient::new(transport.clone());
        let config = aws::local(Some(http_client), "http://local").unwrap();
        Callee::new(&aws::local_as(&config, "portal"), name.to_owned())
    }

    /// AWS refused an invocation with this code.
    fn check_refused(invoked: Result<Value, InvokeError>, code: &str) {
        let refused = invoked.unwrap_err();
        assert!(matches!(refused, InvokeError::Aws { .. }), "{refused:?}");
        assert!(chain(&refused).contains(code), "{}", chain(&refused));
    }

    #[tokio::test]
    async fn function_is_invoked_and_answers() {
        let (transport, _functions) = lambda().await;
        let event = json!({ "amount": "5.00", "of": [1, null] });
        assert_eq!(callee(&transport, "echo").invoke(&event).await.unwrap(), event);
    }

    #[tokio::test]
    async fn function_that_fails_or_lasts_too_long_is_an_error_of_its_own() {
        let (transport, _functions) = lambda().await;
        for (event, expected) in [
            (json!("no plan"), "echo failed: no plan"),
            (Value::Null, "echo failed: deadline has elapsed"),
        ] {
            let failed = callee(&transport, "echo").invoke(&event).await.unwrap_err();
            assert!(matches!(failed, InvokeError::Failed { .. }), "{failed:?}");
            assert_eq!(failed.to_string(), expected);
        }
    }

    #[tokio::test]
    async fn unknown_function_is_not_found() {
        let (transport, functions) = lambda().await;
        let invoked = callee(&transport, "other").invoke(&json!({})).await;
        check_refused(invoked, "ResourceNotFoundException");
        // The stack has ended.
        drop(functions);
        let invoked = callee(&transport, "echo").invoke(&json!({})).await;
        check_refused(invoked, "ResourceNotFoundException");
    }

    #[tokio::test]
    async fn invocation_whose_answer_is_lost_is_not_made_again() {
        let (transport, _functions) = lambda().await;
        for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Throttle] {
            transport.meter().start();
            transport.faults().strike(Target::Operation("Invoke"), 1..=1, fault);
            let lost = callee(&transport, "echo").invoke(&json!({})).await.unwrap_err();
            assert!(matches!(lost, InvokeError::Aws { .. }), "{lost:?}");
            assert_eq!(transport.meter().take().requests["Invoke"], 1, "{fault:?}");
            transport.faults().restore();
        }
    }

    /// Lets nobody invoke.
    #[derive(Debug)]
    struct Nobody;

    impl Gate for Nobody {
        fn admit(&self, request: &Request) -> Result<(), String> {
            assert_eq!((request.service(), request.operation()), ("Lambda", "Invoke"));
            assert_eq!(request.function.as_deref(), Some("echo"));
            Err(format!("{:?} may not", request.caller.as_deref().unwrap_or_default()))
        }
    }

    #[tokio::test]
    async fn caller_without_the_right_is_refused() {
        let (transport, _functions) = lambda().await;
        transport.guard(Arc::new(Nobody));
        let refused = callee(&transport, "echo").invoke(&json!({})).await;
        check_refused(refused, "AccessDeniedException");
    }
}
