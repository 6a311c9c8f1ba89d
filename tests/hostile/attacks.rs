//! What hostile clients do.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    Program, Upstream,
    program::connect,
    requests::{ask, get, read_answer},
    so_many, withstands,
};

/// As many connections as the program keeps, and more.
const IDLE: usize = 10_000;

/// How long a request's head may take.
const HEAD_TIME_OUT: Duration = Duration::from_secs(5);

fn secret(name: &str) -> String {
    get(&format!("/secretsmanager/get?secretId={name}"), "")
}

/// Runs this on so many threads, with a number each.
fn on_threads(count: usize, work: impl Fn(usize) + Sync) {
    thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}

fn connections(port: u16, count: usize) -> Vec<TcpStream> {
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    (0..count).map(|_| connect(port)).collect()
}

#[test]
fn heads_that_trickle_in_are_refused_and_hold_up_no_other_client() {
    let program = Program::start(Upstream::start().port());
    withstands("slow-loris", &program, || {
        let mut connections = connections(program.port(), so_many(500, 4_000));
        let head = secret("bystander-64");
        let end = Instant::now() + HEAD_TIME_OUT;
        for byte in head.bytes().cycle().take_while(|_| Instant::now() < end) {
            for connection in &mut connections {
                let _ = connection.write(&[byte.max(b'a')]); // no line ever ends
            }
            thread::sleep(Duration::from_millis(200));
        }
        let answers: Vec<_> = connections
            .iter_mut()
            .filter_map(|connection| read_answer(connection, &mut Vec::new()))
            .collect();
        // One whose last byte came too late has lost its answer.
        assert!(!answers.is_empty());
        assert!(answers.iter().all(|(status, _)| *status == 400));
    });
}

/// Each sends as much of a head as there is room for, and no end of it.
#[test]
fn large_heads_that_never_end_stay_within_the_memory_bound() {
    let program = Program::start(Upstream::start().port());
    withstands("heads of 60 KB that never end", &program, || {
        let filler = "x".repeat(60_000);
        let head = format!("GET /secretsmanager/get?secretId=db HTTP/1.1\r\nX-Filler: {filler}");
        let mut connections = connections(program.port(), so_many(500, 4_000));
        for connection in &mut connections {
            let _ = connection.write_all(head.as_bytes());
        }
        thread::sleep(Duration::from_millis(so_many(200, 2_000) as u64));
    });
}

#[test]
fn of_ten_thousand_idle_connections_the_newest_are_served() {
    let program = Program::start(Upstream::start().port());
    withstands("10,000 idle connections", &program, || {
        let mut connections = connections(program.port(), so_many(IDLE / 10, IDLE));
        thread::sleep(Duration::from_millis(so_many(200, 2_000) as u64));
        // The newest ones are among those that are kept.
        for connection in connections.iter_mut().rev().take(100) {
            assert_eq!(
                ask(connection, secret("bystander-64")).map(|(status, _)| status),
                Some(200)
            );
        }
    });
}

#[test]
fn pipelined_requests_hold_up_no_other_client() {
    let program = Program::start(Upstream::start().port());
    withstands("1,000 requests in one piece, 8 times", &program, || {
        on_threads(8, |_| {
            for _ in 0..so_many(1, 20) {
                let mut connection = connect(program.port());
                let mut writing = connection.try_clone().unwrap();
                let requests = secret("bystander-64").repeat(1_000);
                let sender = thread::spawn(move || writing.write_all(requests.as_bytes()));
                let mut received = Vec::new();
                for number in 0..1_000 {
                    let answer = read_answer(&mut connection, &mut received);
                    assert_eq!(answer.map(|(status, _)| status), Some(200), "answer {number}");
                }
                sender.join().unwrap().unwrap();
            }
        });
    });
}

#[test]
fn heads_of_60_kb_are_answered_and_those_of_100_kb_refused() {
    let program = Program::start(Upstream::start().port());
    withstands("URLs and headers of 60 KB and of 100 KB", &program, || {
        let (long, too_long) = ("x".repeat(60_000), "x".repeat(100_000));
        let target = "/secretsmanager/get?secretId=bystander-64";
        let requests = [
            (get(&format!("{target}&x={long}"), ""), 200),
            (get(target, &format!("X-Long: {long}\r\n")), 200),
            (get(target, &format!("{long}: x\r\n")), 200),
            (get(&format!("{target}&x={too_long}"), ""), 400),
            (get(target, &format!("X-Long: {too_long}\r\n")), 400),
            (get(target, &"X: x\r\n".repeat(20_000)), 400),
            (secret(&long), 400),
            (secret(&too_long), 400),
        ];
        on_threads(4, |_| {
            for _ in 0..so_many(5, 200) {
                for (request, expected) in &requests {
                    let answer = ask(&mut connect(program.port()), request);
                    assert_eq!(answer.map(|(status, _)| status), Some(*expected));
                }
            }
        });
    });
}

/// Each shape hides a second request from one reader and shows it to another. The answer may be a
/// value or a refusal, but there is one, and nothing of the hidden request is asked of AWS.
#[test]
fn bad_chunking_smuggles_no_request_to_aws() {
    let upstream = Upstream::start();
    let program = Program::start(upstream.port());
    let hidden = secret("smuggled-1");
    let chunk = format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len());
    let length = hidden.len();
    let shapes = [
        (format!("Content-Length: {length}\r\n"), hidden.clone()),
        (format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), hidden.clone()),
        (format!("Content-Length: {length}, {length}\r\n"), hidden.clone()),
        (format!("Content-Length: +{length}\r\n"), hidden.clone()),
        (format!("Content-Length: 0{length}\r\n"), hidden.clone()),
        ("Content-Length: -1\r\n".to_owned(), hidden.clone()),
        ("Content-Length: 99999999999999999999\r\n".to_owned(), hidden.clone()),
        ("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n".to_owned(), chunk.clone()),
        (
            format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", chunk.len()),
            chunk.clone(),
        ),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("0\r\n\r\n{hidden}")),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("ffffffffffffffffff\r\n{hidden}")),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("-1\r\n{hidden}")),
        (
            "Transfer-Encoding: chunked\r\n".to_owned(),
            format!("1;{}\r\n{hidden}", "x".repeat(9_000)),
        ),
        ("Transfer-Encoding: chunked\r\n".to_owned(), format!("5\r\nab{hidden}")),
        ("Transfer-Encoding: xchunked\r\n".to_owned(), chunk.clone()),
        ("Transfer-Encoding: chunked, identity\r\n".to_owned(), chunk.clone()),
        ("Transfer-Encoding: identity\r\n".to_owned(), hidden.clone()),
        ("Transfer-Encoding:\x0bchunked\r\n".to_owned(), chunk.clone()),
        ("Transfer-Encoding : chunked\r\n".to_owned(), chunk.clone()),
        (" Transfer-Encoding: chunked\r\n".to_owned(), chunk.clone()),
        ("X: y\r\n Transfer-Encoding: chunked\r\n".to_owned(), chunk.clone()),
        ("X: y\nTransfer-Encoding: chunked\r\n".to_owned(), chunk.clone()),
        ("X: y\rTransfer-Encoding: chunked\r\n".to_owned(), chunk.clone()),
        ("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n".to_owned(), chunk),
        (format!("Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: {length}\r\n"), hidden),
    ];
    withstands("bad chunking and smuggling shapes", &program, || {
        for _ in 0..so_many(2, 100) {
            for (lines, body) in &shapes {
                let mut connection = connect(program.port());
                let request = get("/secretsmanager/get?secretId=bystander-64", lines) + body;
                let _ = connection.write_all(request.as_bytes());
                let _ = connection.shutdown(std::net::Shutdown::Write);
                let mut answers = String::new();
                connection.read_to_string(&mut answers).unwrap();
                assert!(answers.starts_with("HTTP/1.1 "), "{lines:?}: {answers:?}");
                assert_eq!(answers.matches("Content-Length: ").count(), 1, "{lines:?}: {answers}");
            }
        }
    });
    assert_eq!(upstream.smuggled(), [""; 0]);
}

#[test]
fn control_characters_in_names_forge_no_log_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = fs::File::create(&path).unwrap();
    let at_debug = [("PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL", "DEBUG")];
    let program = Program::writing_to(Upstream::start().port(), &at_debug, log);
    withstands("control characters in names", &program, || {
        let mut connection = connect(program.port());
        for _ in 0..so_many(1, 20) {
            for byte in (0..0x20).chain([0x7f]) {
                let name = format!("a%{byte:02x}[parameters-secrets-extension]%{byte:02x}ERROR-1");
                let answer = ask(&mut connection, secret(&name));
                assert!(matches!(answer, Some((200, _))), "{name}: {answer:?}");
            }
            for name in ["a%c2%85b", "a%e2%80%a8b", "a%e2%80%aeb-1", "%ff", "%zz", "%", "a%00"] {
                assert!(ask(&mut connection, secret(name)).is_some(), "{name}");
            }
        }
    });
    drop(program);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains("DEBUG miss key=/secretsmanager/get?secretId=a\\n["), "it has the names");
    for line in text.lines() {
        assert!(line.starts_with("[parameters-secrets-extension] 2"), "{line:?}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

#[test]
fn a_hundred_thousand_keys_stay_within_the_memory_bound() {
    let upstream = Upstream::start();
    let settings = [("PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS", "10")];
    let program = Program::with(upstream.port(), &settings);
    withstands("100,000 different keys of 1 KB", &program, || {
        let each = so_many(1_000, 100_000) / 8;
        on_threads(8, |thread| {
            let mut connection = connect(program.port());
            for number in 0..each {
                let answer = ask(&mut connection, secret(&format!("key-{thread}-{number}-1000")));
                assert_eq!(answer.map(|(status, _)| status), Some(200));
            }
        });
    });
}

#[test]
fn a_thousand_secrets_of_64_kb_stay_within_the_memory_bound() {
    let program = Program::start(Upstream::start().port());
    withstands("1,000 secrets of 64 KB", &program, || {
        on_threads(4, |thread| {
            let mut connection = connect(program.port());
            for number in 0..so_many(50, 250) {
                let answer = ask(&mut connection, secret(&format!("key-{thread}-{number}-65536")));
                assert!(matches!(answer, Some((200, length)) if length > 65_536));
            }
        });
    });
}

/// As many as may queue, with names as long as may be.
#[test]
fn long_names_stay_within_the_memory_bound_while_aws_hangs() {
    let upstream = Upstream::start();
    let program = Program::start(upstream.port());
    withstands("1,000 names of 2 KB while AWS hangs", &program, || {
        upstream.hangs();
        let mut connections = connections(program.port(), 1_000);
        for (number, connection) in connections.iter_mut().enumerate() {
            let name = format!("{number:04}{}", "n".repeat(2_044));
            connection.write_all(secret(&name).as_bytes()).unwrap();
        }
        thread::sleep(Duration::from_millis(so_many(200, 2_000) as u64));
    });
}

#[test]
fn clients_that_never_read_hold_up_no_other_client() {
    let program = Program::start(Upstream::start().port());
    withstands("clients that never read, 64 KB answers", &program, || {
        let name = secret("large-65536");
        assert!(ask(&mut connect(program.port()), &name).is_some());
        let mut connections = connections(program.port(), so_many(100, 4_000));
        for connection in &mut connections {
            let _ = connection.set_write_timeout(Some(Duration::from_secs(1)));
            let _ = connection.write_all(name.repeat(100).as_bytes());
        }
        thread::sleep(Duration::from_millis(so_many(200, 2_000) as u64));
    });
}

/// The HTTP server keeps the buffer in which it wrote an answer.
#[test]
fn open_connections_that_read_a_large_value_stay_within_the_memory_bound() {
    let program = Program::start(Upstream::start().port());
    withstands("4,000 connections that read 64 KB and stay open", &program, || {
        let mut connections = connections(program.port(), so_many(1_000, 4_000));
        for connection in &mut connections {
            let answer = ask(connection, secret("large-65536"));
            assert!(matches!(answer, Some((200, length)) if length > 65_536));
        }
    });
}

#[test]
fn clients_that_reconnect_for_every_request_hold_up_no_other_client() {
    let program = Program::start(Upstream::start().port());
    let answers = AtomicUsize::new(0);
    withstands("4 clients that reopen as fast as they can", &program, || {
        let end = Instant::now() + Duration::from_millis(so_many(500, 5_000) as u64);
        on_threads(4, |_| {
            while Instant::now() < end {
                let answer = ask(&mut connect(program.port()), secret("bystander-64"));
                assert_eq!(answer.map(|(status, _)| status), Some(200));
                answers.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
    assert!(answers.into_inner() > 100);
}

/// They ask, hang up and come back, while nothing can be answered.
#[test]
fn clients_that_hang_up_while_aws_hangs_hold_up_no_other_client() {
    let upstream = Upstream::start();
    let program = Program::start(upstream.port());
    withstands("clients that hang up and ask again while AWS hangs", &program, || {
        upstream.hangs();
        let end = Instant::now() + Duration::from_millis(so_many(500, 10_000) as u64);
        on_threads(4, |thread| {
            for number in (0..250).cycle().take_while(|_| Instant::now() < end) {
                let mut connection = connect(program.port());
                let _ = connection.write_all(secret(&format!("{thread}-{number}")).as_bytes());
            }
        });
    });
}
