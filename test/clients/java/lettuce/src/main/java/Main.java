import io.lettuce.core.ClientOptions;
import io.lettuce.core.ReadFrom;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.masterreplica.MasterReplica;
import io.lettuce.core.masterreplica.StatefulRedisMasterReplicaConnection;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.io.File;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Lettuce: a sentinel connection for the master, a master-replica one (with its topology refresh) for the replicas. */
public final class Main {
  public static void main(String[] args) throws Exception {
    RedisClient client = RedisClient.create();
    client.setOptions(options());
    RedisURI uri = throughSentinels();
    StatefulRedisConnection<String, String> master = client.connect(uri);
    StatefulRedisMasterReplicaConnection<String, String> replica =
        MasterReplica.connect(client, StringCodec.UTF8, uri);
    replica.setReadFrom(ReadFrom.REPLICA);
    StatefulRedisPubSubConnection<String, String> events = listen(client);
    AtomicInteger written = new AtomicInteger();
    Driver.again(
        "write",
        Driver.WRITE_PAUSE_MS,
        () -> {
          int n = written.incrementAndGet();
          master.sync().set(Driver.KEY, String.valueOf(n));
          Driver.sayWritten(n);
        });
    Driver.again(
        "read",
        Driver.READ_PAUSE_MS,
        () -> {
          String value = replica.sync().get(Driver.KEY);
          // It counts as a command that reads, so it goes to the same kind of node.
          String info = replica.sync().info("replication");
          if (value != null) Driver.sayRead(value, info.contains("role:slave") ? "slave" : "master");
        });
    Driver.untilStopped(
        () -> {
          events.close();
          client.shutdown(Duration.ZERO, Duration.ofSeconds(2));
        });
  }

  private static StatefulRedisPubSubConnection<String, String> listen(RedisClient client) {
    StatefulRedisPubSubConnection<String, String> events = client.connectPubSub(sentinel(Driver.SENTINELS.get(0)));
    events.addListener(
        new RedisPubSubAdapter<>() {
          @Override
          public void subscribed(String channel, long count) {
            Driver.sayListening();
          }

          @Override
          public void message(String channel, String payload) {
            Driver.saySwitched(payload);
          }
        });
    events.sync().subscribe("+switch-master");
    return events;
  }

  private static RedisURI throughSentinels() {
    RedisURI.Builder uri = RedisURI.builder().withSentinelMasterId(Driver.MASTER_NAME);
    Driver.SENTINELS.forEach(address -> uri.withSentinel(sentinel(address)));
    return secured(uri, "REDIS").build();
  }

  private static RedisURI sentinel(Driver.Address address) {
    return secured(RedisURI.builder().withHost(address.host()).withPort(address.port()), "SENTINEL").build();
  }

  private static RedisURI.Builder secured(RedisURI.Builder uri, String server) {
    uri.withTimeout(Duration.ofMillis(Driver.TIMEOUT_MS)).withSsl(Driver.order("TLS_CA").isPresent());
    String password = Driver.order(server + "_PASSWORD").orElse(null);
    if (password == null) return uri;
    return Driver.order(server + "_USERNAME")
        .map(name -> uri.withAuthentication(name, password))
        .orElseGet(() -> uri.withPassword(password.toCharArray()));
  }

  private static ClientOptions options() {
    ClientOptions.Builder options =
        ClientOptions.builder().protocolVersion(Driver.RESP3 ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2);
    if (Driver.order("TLS_CA").isPresent())
      options.sslOptions(
          SslOptions.builder()
              .trustManager(file("TLS_CA"))
              .keyManager(file("TLS_CERT"), file("TLS_KEY"), new char[0])
              .build());
    return options.build();
  }

  private static File file(String name) {
    return new File(Driver.order(name).orElseThrow());
  }
}
