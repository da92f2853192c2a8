//! Servers that are down, silent, cut off, or speak as they please: bounded, and told apart.

use super::{ALL, Kept, open, rows};
use crate::servers::postgres;
use guard::action::query::Engine;
use guard::execute::query::{Caps, Cause, Cell, Column, Endpoint, Failed, Limits, Session, Sink};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

/// A server that takes everybody and lets this speak.
fn server(speak: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let speak = std::sync::Arc::new(speak);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let speak = std::sync::Arc::clone(&speak);
            std::thread::spawn(move || speak(stream));
        }
    });
    port
}

fn url(port: u16) -> String {
    format!("postgres://app:hush@127.0.0.1:{port}/shop?sslmode=disable")
}

fn quick(url: &str) -> Result<Session, Failed> {
    let limits =
        Limits { connect: Duration::from_millis(500), time: Duration::from_millis(500), path: None, role: None };
    Session::open(&Endpoint::of_url(Engine::Postgres, url, Path::new("/")).unwrap(), &limits)
}

fn told(url: &str) -> (Cause, String, Duration) {
    let begun = Instant::now();
    let failed = quick(url).err().unwrap();
    (failed.cause, failed.to_string(), begun.elapsed())
}

#[test]
fn a_server_that_is_down_is_named_with_its_address() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (cause, message, _) = told(&url(port));
    let expected = format!("PostgreSQL is down: 127.0.0.1:{port}: Connection refused (os error 111)");
    assert_eq!((cause, message), (Cause::Down, expected));
    let (cause, message, _) = told("postgres://app@/shop?host=/nowhere&port=7");
    let expected = "PostgreSQL is down: /nowhere/.s.PGSQL.7: No such file or directory (os error 2)";
    assert_eq!((cause, message.as_str()), (Cause::Down, expected));
    let (cause, message, _) = told("postgres://app@no-such-host.invalid/shop");
    assert_eq!(
        (cause, message.as_str()),
        (Cause::Down, "PostgreSQL is down: no-such-host.invalid:5432: no such host is known")
    );
}

#[test]
fn a_server_that_never_answers_is_left_in_time() {
    let silent = server(|stream| {
        let _kept = stream.try_clone();
        std::thread::sleep(Duration::from_secs(30));
    });
    for mode in ["disable", "prefer", "require"] {
        let (cause, message, time) = told(&url(silent).replace("disable", mode));
        assert!(cause == Cause::Down && message.ends_with("it does not answer"), "{mode}: {message}");
        assert!(time < Duration::from_secs(15), "{mode}: {time:?}");
    }
    // It says something all the time, and never what is waited for.
    let endless = server(|mut stream| while stream.write_all(b"N\0\0\0\x05\0").is_ok() {});
    let (cause, message, time) = told(&url(endless));
    assert!(
        cause == Cause::Down && message.ends_with("it does not answer") && time < Duration::from_secs(15),
        "{message}"
    );
}

#[test]
fn what_is_no_postgresql_is_said_to_be_none() {
    for answer in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"-ERR unknown command\r\n",
        b"R\0\0\0\x03",
        // Two gigabytes are to follow.
        b"R\x7f\xff\xff\xff",
        b"R\xff\xff\xff\xff",
        b"Z\0\0\0\x05I",
        b"D\0\0\0\x06\0\0",
        b"A\0\0\0\x0a\0\0\0\0\0\0",
        b"G\0\0\0\x07\0\0\0",
        b"\0\0\0\0\0",
        b"R\0\0\0\x08\0\0\0\x0c",
        b"R\0\0\0\x0a\0\0\0\x0a\0\0",
        b"S\0\0\0\x19client_encoding\0LATIN1\0",
    ] {
        let port = server(move |mut stream| {
            let _said = stream.read(&mut [0; 1024]);
            let _heard = stream.write_all(answer);
            let _rest = stream.read(&mut [0; 1024]);
        });
        let (cause, message, time) = told(&url(port));
        let silent = message.contains("it hung up") || message.contains("does not answer");
        let fits =
            matches!(cause, Cause::Strange | Cause::Auth) || matches!(cause, Cause::Lost | Cause::Down) && silent;
        assert!(fits && !message.contains("hush") && time < Duration::from_secs(15), "{answer:?}: {cause:?} {message}");
    }
}

/// Passes everything on between a client and a server, and hangs up after so many bytes of the server's; what it is told to
/// put into the server's words instead, it puts.
fn cut(to: u16, after: usize, then: &'static [u8]) -> u16 {
    server(move |mut client| {
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)) else { return };
        let (mut from, mut into) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || {
            let _gone = std::io::copy(&mut from, &mut into);
            let _shut = into.shutdown(Shutdown::Both);
        });
        let (mut left, mut buffer) = (after, [0; 4096]);
        while left > 0 {
            let most = left.min(buffer.len());
            let Ok(count @ 1..) = server.read(&mut buffer[..most]) else { break };
            if client.write_all(&buffer[..count]).is_err() {
                break;
            }
            left -= count;
        }
        if left == 0 {
            let _put = client.write_all(then);
        }
        let _gone = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    })
}

#[test]
fn a_connection_that_is_cut_in_the_middle_of_rows_is_lost_and_may_be_tried_again() {
    let Some(real) = postgres() else { return };
    let database = real.database("");
    let sql = "SELECT repeat('x', 1000) FROM generate_series(1, 10000)";
    let mut causes = Vec::new();
    for after in [0, 1, 60, 300, 500, 1000, 2000, 5000, 50_000, 1_000_001] {
        let url =
            database.url("bare").replace(&format!(":{}/", real.port), &format!(":{}/", cut(real.port, after, b"")));
        let failed = rows(Engine::Postgres, &url, sql).unwrap_err();
        assert_eq!((failed.cause, failed.is_transient()), (Cause::Lost, true), "{after}: {failed}");
        causes.push(failed.to_string());
    }
    causes.dedup();
    assert_eq!(causes, ["the connection to PostgreSQL broke off: it hung up"]);
    // In the middle of rows it says what it should not.
    for (then, cause) in [
        (&b"D\x7f\xff\xff\xff"[..], Cause::Limit),
        (b"H\0\0\0\x07\0\0\0", Cause::Strange),
        (b"G\0\0\0\x07\0\0\0", Cause::Strange),
        (b"V\0\0\0\x08\0\0\0\0", Cause::Strange),
        (b"A\0\0\0\x0a\0\0\0\0\0\0", Cause::Strange),
        (b"S\0\0\0\x24standard_conforming_strings\0off\0", Cause::Strange),
        (b"D\0\0\0\x06\0\0", Cause::Strange),
    ] {
        // Whole messages come before it.
        let port = rows_then(then);
        let failed = rows(Engine::Postgres, &url(port), "SELECT 1").unwrap_err();
        assert_eq!(failed.cause, cause, "{then:?}: {failed}");
    }
}

/// A server that goes along as PostgreSQL would, up to a row, and then says this.
fn rows_then(then: &'static [u8]) -> u16 {
    server(move |mut stream| {
        let mut heard = [0; 65536];
        let mut say = |parts: &[&[u8]]| {
            let _heard = stream.read(&mut heard);
            let _said = stream.write_all(&parts.concat());
        };
        let ready = b"Z\0\0\0\x05T";
        let (parsed, bound, done) = (b"1\0\0\0\x04", b"2\0\0\0\x04", b"C\0\0\0\x06x\0");
        let one: &[&[u8]] = &[parsed, bound, b"D\0\0\0\x0b\0\x01\0\0\0\x01x", done];
        say(&[b"R\0\0\0\x08\0\0\0\0", b"Z\0\0\0\x05I"]);
        let state = b"D\0\0\0\x18\0\x03\0\0\0\x01x\0\0\0\x03{x}\0\0\0\x02on";
        let begun = [&[&parsed[..], bound, done][..], one, one, &[&parsed[..], bound, state, done], one, &[&ready[..]]]
            .concat();
        say(&begun);
        let column = b"T\0\0\0\x1a\0\x01x\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0";
        say(&[one, &[&parsed[..], b"t\0\0\0\x06\0\0", column], one, &[&ready[..]]].concat());
        let row = b"D\0\0\0\x0b\0\x01\0\0\0\x01x";
        say(&[one, &[&bound[..], row, row, then]].concat());
        let _rest = stream.read(&mut [0; 1024]);
        let _rest = stream.read(&mut [0; 1024]);
    })
}

#[test]
fn the_rows_of_a_server_that_goes_along_are_passed_on() {
    // So that the servers above are refused for what they say at the end.
    let port = rows_then(b"C\0\0\0\x06x\0Z\0\0\0\x05T");
    assert_eq!(rows(Engine::Postgres, &url(port), "SELECT 1"), Ok(vec!["\"x\"".to_owned(), "\"x\"".to_owned()]));
}

/// Counts, and keeps nothing.
#[derive(Default)]
struct Counted(u64);

impl Sink for Counted {
    fn columns(&mut self, _: &[Column]) -> std::io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> std::io::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

/// The most memory this process held so far, in kilobytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn ten_million_rows_take_no_more_memory_than_one() {
    let Some(real) = postgres() else { return };
    let database = real.database("");
    let run = |rows: u64| {
        let endpoint = Endpoint::of_url(Engine::Postgres, &database.local("bare"), Path::new("/")).unwrap();
        let limits = Limits { time: Duration::from_secs(300), ..Limits::default() };
        let mut session = Session::open(&endpoint, &limits).unwrap();
        session.prepare(&format!("SELECT i, 'a text of some length' FROM generate_series(1, {rows}) i")).unwrap();
        let mut counted = Counted::default();
        let done = session.run(&ALL, &mut counted).unwrap();
        session.close();
        assert_eq!((done.rows, counted.0), (rows, rows));
    };
    run(100_000);
    let before = peak();
    run(10_000_000);
    // Other tests run beside; a tenth of the rows would be more.
    assert!(peak() - before < 64 << 10, "{} kB before, {} kB after", before, peak());
}

#[test]
fn a_row_or_a_value_beyond_all_bounds_is_refused_without_being_read() {
    let Some(real) = postgres() else { return };
    let database = real.database("");
    let failed = rows(Engine::Postgres, &database.local("bare"), "SELECT 1, repeat('x', 100000000)").unwrap_err();
    assert_eq!(failed.cause, Cause::Limit);
    assert!(failed.message.starts_with("a row has 1000000"), "{failed}");
}

/// Takes two rows.
struct Full(u64);

impl Sink for Full {
    fn columns(&mut self, _: &[Column]) -> std::io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> std::io::Result<()> {
        self.0 += 1;
        if self.0 > 2 { Err(std::io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
    }
}

#[test]
fn whoever_takes_no_more_rows_ends_the_statement() {
    let Some(real) = postgres() else { return };
    let database = real.database("");
    let mut session = open(Engine::Postgres, &database.local("bare")).unwrap();
    session.prepare("SELECT generate_series(1, 1000000000)").unwrap();
    let begun = Instant::now();
    let failed = session.run(&ALL, &mut Full(0)).unwrap_err();
    session.close();
    assert_eq!((failed.cause, failed.is_transient()), (Cause::Sink, false));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Takes its time over every row.
struct Slow;

impl Sink for Slow {
    fn columns(&mut self, _: &[Column]) -> std::io::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell<'_>]) -> std::io::Result<()> {
        std::thread::sleep(Duration::from_millis(50));
        Ok(())
    }
}

#[test]
fn whoever_takes_rows_slowly_does_not_hold_the_server_for_longer_than_is_allowed() {
    let Some(real) = postgres() else { return };
    let database = real.database("");
    let mut session = quick(&database.url("bare")).unwrap();
    session.prepare("SELECT repeat('x', 8000) FROM generate_series(1, 100000)").unwrap();
    let begun = Instant::now();
    let failed = session.run(&Caps { rows: 1000, bytes: u64::MAX }, &mut Slow).unwrap_err();
    assert_eq!(failed.cause, Cause::TimedOut, "{failed}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    session.close();
    let busy = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", database.name);
    assert_eq!(real.psql("postgres", &busy), "0");
}

#[test]
fn a_statement_that_waits_for_a_lock_or_ends_in_a_deadlock_is_told_apart() {
    let Some(real) = postgres() else { return };
    let database = real.database(
        "CREATE TABLE t (a int); GRANT SELECT ON t TO bare; CREATE FUNCTION stuck() RETURNS int LANGUAGE plpgsql \
        AS 'BEGIN RAISE EXCEPTION ''x'' USING ERRCODE = ''40P01''; END'",
    );
    let failed = rows(Engine::Postgres, &database.local("bare"), "SELECT stuck()").unwrap_err();
    assert_eq!((failed.cause, failed.is_transient()), (Cause::Serialization, true));
    let (sockets, port, name) = (real.sockets.clone(), real.port.to_string(), database.name.clone());
    let mut holder = std::process::Command::new("psql")
        .args(["-X", "-q", "-h", &sockets, "-p", &port, "-U", "owner", "-d", &name])
        .args(["-c", "BEGIN; LOCK t; SELECT pg_sleep(10)"])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let locked = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = '{name}' \
        AND l.mode = 'AccessExclusiveLock' AND l.granted"
    );
    while real.psql("postgres", &locked) == "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut session = quick(&database.local("bare")).unwrap();
    let failed = session.prepare("SELECT * FROM t").unwrap_err();
    assert_eq!((failed.cause, failed.code.as_deref()), (Cause::TimedOut, Some("57014")));
    session.close();
    holder.kill().unwrap();
    holder.wait().unwrap();
    let mut kept = Kept::default();
    let mut session = open(Engine::Postgres, &database.local("bare")).unwrap();
    session.prepare("SELECT * FROM t").unwrap();
    // The database is shut for everybody in the middle.
    real.psql("postgres", &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
    let failed = session.run(&ALL, &mut kept).unwrap_err();
    assert_eq!((failed.cause, failed.code.as_deref(), failed.is_transient()), (Cause::Lost, Some("57P01"), true));
}
