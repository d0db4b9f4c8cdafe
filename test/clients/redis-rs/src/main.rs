//! redis-rs, blocking: one thread writes, one reads, one listens.
//! The orders come from the environment, the lines to the driver go to stdout (see ../../program.ts).
use std::{env, fmt::Display, fs, io, thread, time::Duration};

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ClientTlsConfig, Connection, ConnectionAddr, ProtocolVersion, RedisResult, TlsCertificates, TlsMode, Value,
};

const WRITE_PAUSE: Duration = Duration::from_millis(20);
const READ_PAUSE: Duration = Duration::from_millis(50);

fn main() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("the first provider");
    thread::spawn(|| {
        let mut master = Node::new(SentinelServerType::Master);
        let mut written = 0;
        again("write", WRITE_PAUSE, move || {
            written += 1;
            master.ask(|connection| redis::cmd("SET").arg(key()).arg(written).exec(connection))?;
            say("write", &format!(r#","n":{written}"#));
            Ok(())
        })
    });
    thread::spawn(|| {
        let mut replica = Node::new(SentinelServerType::Replica);
        again("read", READ_PAUSE, move || read(&mut replica))
    });
    thread::spawn(|| again("listener", READ_PAUSE, listen));
    let _ = io::stdin().read_line(&mut String::new());
    say("stopped", "");
}

/// Tell the driver; `fields` are JSON, each with a comma before it.
fn say(event: &str, fields: &str) {
    println!(r#"{{"event":"{event}"{fields}}}"#);
}

/// Do something over and over; an error is told, and whether it may happen is for the driver to judge.
fn again(place: &str, pause: Duration, mut once: impl FnMut() -> RedisResult<()>) {
    loop {
        if let Err(error) = once() {
            say("error", &format!(r#","where":"{place}","text":{}"#, json(&error)));
        }
        thread::sleep(pause);
    }
}

/// A text as JSON.
fn json(text: &impl Display) -> String {
    let escaped: String = text
        .to_string()
        .chars()
        .flat_map(|letter| match letter {
            '"' | '\\' => vec!['\\', letter],
            _ if letter.is_control() => vec![' '],
            _ => vec![letter],
        })
        .collect();
    format!("\"{escaped}\"")
}

fn read(replica: &mut Node) -> RedisResult<()> {
    let (value, role) = replica.ask(|connection| {
        redis::pipe()
            .cmd("GET")
            .arg(key())
            .cmd("ROLE")
            .query::<(Option<String>, Vec<Value>)>(connection)
    })?;
    let role: String = redis::from_redis_value(role.into_iter().next().unwrap_or(Value::Nil))?;
    if let Some(n) = value {
        say("read", &format!(r#","n":{n},"role":"{role}""#));
    }
    Ok(())
}

fn listen() -> RedisResult<()> {
    let mut connection = sentinel_client(SentinelServerType::Master)?
        .get_sentinel_client()?
        .get_connection()?;
    let mut events = connection.as_pubsub();
    events.subscribe("+switch-master")?;
    say("listening", "");
    loop {
        let payload: String = events.get_message()?.get_payload()?;
        say("switched", &format!(r#","payload":{}"#, json(&payload)));
    }
}

/// The master or a replica, looked up again through the sentinels after every error.
struct Node {
    kind: SentinelServerType,
    connection: Option<Connection>,
}

impl Node {
    fn new(kind: SentinelServerType) -> Self {
        Node { kind, connection: None }
    }

    fn ask<T>(&mut self, ask: impl FnOnce(&mut Connection) -> RedisResult<T>) -> RedisResult<T> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let client: Client = sentinel_client(self.kind.clone())?.get_client()?;
                client.get_connection_with_timeout(Duration::from_secs(2))?
            }
        };
        let answer = ask(&mut connection)?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

fn sentinel_client(kind: SentinelServerType) -> RedisResult<SentinelClient> {
    let read = |name: &str| fs::read(order(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let certificates = env::var_os("TLS_CA").map(|_| TlsCertificates {
        client_tls: Some(ClientTlsConfig {
            client_cert: read("TLS_CERT"),
            client_key: read("TLS_KEY"),
        }),
        root_cert: Some(read("TLS_CA")),
    });
    let protocol = if order("PROTOCOL") == "3" {
        ProtocolVersion::RESP3
    } else {
        ProtocolVersion::RESP2
    };
    let sentinels = order("SENTINELS");
    let addresses = sentinels.split(',').map(|address| {
        let (host, port) = address.split_once(':').expect("host:port");
        let (host, port) = (host.to_string(), port.parse().expect("a port"));
        match certificates {
            None => ConnectionAddr::Tcp(host, port),
            Some(_) => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: false,
                tls_params: None,
            },
        }
    });
    let mut builder = SentinelClientBuilder::new(addresses.collect::<Vec<_>>(), order("MASTER_NAME"), kind)?
        .set_client_to_redis_protocol(protocol)
        .set_client_to_sentinel_protocol(protocol);
    if let Ok(name) = env::var("SENTINEL_USERNAME") {
        builder = builder.set_client_to_sentinel_username(name);
    }
    if let Ok(password) = env::var("SENTINEL_PASSWORD") {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if let Ok(name) = env::var("REDIS_USERNAME") {
        builder = builder.set_client_to_redis_username(name);
    }
    if let Ok(password) = env::var("REDIS_PASSWORD") {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build()
}

fn key() -> String {
    order("KEY")
}

/// What the driver set in the environment; it sets all that is asked for here.
fn order(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}
