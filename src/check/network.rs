//! The way to a service: DNS, TCP, TLS, and whether the clocks agree.

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, SystemTime},
};

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

use crate::{
    check::report::{Failure, Outcome, Report},
    clock::{Clock, SystemClock},
    fetch::aws::{Aws, endpoint},
    key::UpstreamKind,
    settings::Settings,
};

/// A resolver asks two or three servers in this time.
const DNS_TIME_OUT: Duration = Duration::from_secs(5);
/// Long enough for one packet to be lost.
const TCP_TIME_OUT: Duration = Duration::from_secs(3);
/// AWS refuses a signature whose time is further off than this.
const SKEW_ALLOWED: Duration = Duration::from_secs(300);

/// A step of one service, as its line names it.
struct Step(&'static str, UpstreamKind);

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

/// Where packets go: to the service, or to a proxy before it.
struct Target {
    host: String,
    port: u16,
    is_proxy: bool,
}

/// Writes a line for each step of the way to `service`, and says whether all of them went well.
pub(super) async fn reach(
    service: UpstreamKind,
    settings: &Settings,
    aws: &Aws,
    report: &mut Report,
) -> bool {
    let way = async {
        let (url, target) = match target(service, settings).await {
            Ok(found) => found,
            Err(failure) => {
                report.failed(Step("endpoint", service), failure);
                return None;
            }
        };
        let addresses = report.step(Step("DNS", service), resolve(&target, settings)).await?;
        report.step(Step("TCP", service), connect(service, &target, &addresses)).await?;
        let layer = if url.starts_with("https:") { "TLS" } else { "HTTP" };
        let (date, now) = report.step(Step(layer, service), answer(aws, &url)).await?;
        report.step(Step("clock", service), async { compare(date, now) }).await
    };
    way.await.is_some()
}

async fn target(service: UpstreamKind, settings: &Settings) -> Result<(String, Target), Failure> {
    let to_do = "correct AWS_REGION, AWS_USE_FIPS_ENDPOINT or the AWS_ENDPOINT_URL… variables";
    let url = endpoint(service, &settings.aws).await.map_err(|why| Failure::new(why, to_do))?;
    let no_url = || Failure::new(format!("{url} is no URL with a host"), to_do);
    let uri: Uri = url.parse().map_err(|_invalid| no_url())?;
    let proxy = Matcher::from_env().intercept(&uri).map(|proxy| proxy.uri().clone());
    let is_proxy = proxy.is_some();
    let to = proxy.unwrap_or(uri);
    let default_port = if to.scheme_str() == Some("https") { 443 } else { 80 };
    let host = to.host().ok_or_else(no_url)?.trim_matches(['[', ']']).to_owned();
    let target = Target { host, port: to.port_u16().unwrap_or(default_port), is_proxy };
    Ok((url, target))
}

impl Target {
    fn role(&self) -> &'static str {
        if self.is_proxy { "the proxy " } else { "" }
    }
}

async fn resolve(target: &Target, settings: &Settings) -> Outcome<Vec<SocketAddr>> {
    let Target { host, port, .. } = target;
    let role = target.role();
    let failed = |why: String| {
        let region = settings.aws.region.as_deref().unwrap_or_default();
        let to_do = if target.is_proxy {
            "correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY".to_owned()
        } else {
            format!("is the region {region} right? In a VPC, DNS resolution must be on")
        };
        Failure::new(format!("{role}{host} has no address: {why}"), to_do)
    };
    let found = timeout(DNS_TIME_OUT, lookup_host((host.as_str(), *port)))
        .await
        .map_err(|_elapsed| failed("no answer in 5 s".to_owned()))?
        .map_err(|error| failed(error.to_string()))?;
    let addresses: Vec<_> = found.collect();
    let Some(first) = addresses.first() else { return Err(failed("none is given".to_owned())) };
    let text = format!("{role}{host} is {}", first.ip());
    Ok((addresses, text))
}

async fn connect(service: UpstreamKind, target: &Target, addresses: &[SocketAddr]) -> Outcome<()> {
    let Target { host, port, .. } = target;
    let role = target.role();
    match timeout(TCP_TIME_OUT, TcpStream::connect(addresses)).await {
        Ok(Ok(_connection)) => Ok(((), format!("{role}{host}:{port} accepts connections"))),
        Ok(Err(error)) => Err(Failure::new(
            format!("{role}{host}:{port} does not accept connections: {error}"),
            "is something listening there? Correct the AWS_ENDPOINT_URL… or the proxy variables",
        )),
        Err(_elapsed) => Err(Failure::new(
            format!("no route: {role}{host}:{port} did not answer in 3 s"),
            format!(
                "give the function's subnets a NAT gateway or an interface endpoint for {service}, \
                 whose security group admits port {port}"
            ),
        )),
    }
}

/// The service's time, and this machine's half-way through the exchange.
async fn answer(aws: &Aws, url: &str) -> Outcome<(Option<SystemTime>, SystemTime)> {
    let asked = SystemClock.now();
    let date = aws.probe(url).await.map_err(|error| {
        let why = error.to_string();
        let words = why.to_ascii_lowercase();
        let to_do = if words.contains("expired") || words.contains("not valid yet") {
            "is this machine's clock right? Otherwise the certificate must be renewed"
        } else if words.contains("certificate") {
            "AWS_CA_BUNDLE or SSL_CERT_FILE must name a PEM file with the authority that signed it; \
             behind a proxy that inspects TLS, that proxy's"
        } else {
            "look for a firewall or a proxy that ends connections to this host"
        };
        Failure::new(format!("{url}: {why}"), to_do)
    })?;
    let took = SystemClock.now().monotonic - asked.monotonic;
    Ok(((date, asked.wall + took / 2), format!("{url} answers")))
}

fn compare(theirs: Option<SystemTime>, ours: SystemTime) -> Outcome<()> {
    let Some(theirs) = theirs else {
        return Ok(((), "cannot be compared: the answer had no date".to_owned()));
    };
    let (off, direction) = match ours.duration_since(theirs) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let seconds = off.as_secs();
    if off > SKEW_ALLOWED {
        return Err(Failure::new(
            format!("this machine's clock is {seconds} s {direction} the service's"),
            "set the clock; AWS refuses signatures that are more than 300 s off",
        ));
    }
    // A date in HTTP has whole seconds.
    let text = match seconds {
        0..=1 => "agrees with the service's".to_owned(),
        _ => format!("{seconds} s {direction} the service's; up to 300 s will do"),
    };
    Ok(((), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn off_by(seconds: i64) -> Result<String, String> {
        let theirs = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let off = Duration::from_secs(seconds.unsigned_abs());
        let ours = if seconds < 0 { theirs - off } else { theirs + off };
        compare(Some(theirs), ours).map(|((), text)| text).map_err(|failure| failure.why)
    }

    #[test]
    fn a_clock_within_five_minutes_will_do() {
        assert_eq!(off_by(1).unwrap(), "agrees with the service's");
        assert_eq!(off_by(-300).unwrap(), "300 s behind the service's; up to 300 s will do");
    }

    #[test]
    fn a_clock_further_off_fails_in_either_direction() {
        assert_eq!(
            off_by(301).unwrap_err(),
            "this machine's clock is 301 s ahead of the service's"
        );
        assert!(off_by(-7_200).unwrap_err().contains("7200 s behind"));
    }
}
