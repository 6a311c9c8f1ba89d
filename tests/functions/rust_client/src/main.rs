//! Reads one secret and one parameter and prints what it got: `rust-client SECRET PARAMETER`.

use aws_parameters_and_secrets_lambda::ManagerBuilder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [secret, parameter] = std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "two names, please")?;
    let manager = ManagerBuilder::new().build()?;

    println!("secret: {}", manager.get_secret(secret.as_str()).get_raw().await?);
    println!("single: {}", manager.get_secret(secret.as_str()).get_single("password").await?);
    println!("parameter: {}", manager.get_parameter(&parameter, true).get_raw().await?);
    Ok(())
}
