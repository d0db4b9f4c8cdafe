import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.redisson.Redisson;
import org.redisson.api.RScript;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.BaseConfig;
import org.redisson.config.Config;
import org.redisson.config.Protocol;
import org.redisson.config.ReadMode;
import org.redisson.config.SentinelServersConfig;
import org.redisson.config.SingleServerConfig;

/**
 * Redisson: its sentinel mode for the master and (by a script that only reads) the replicas, and another
 * client for the events of a sentinel.
 */
public final class Main {
  private static final String READ = "return {redis.call('GET', KEYS[1]), redis.call('INFO', 'replication')}";

  public static void main(String[] args) throws Exception {
    RedissonClient client = Redisson.create(config());
    AtomicInteger written = new AtomicInteger();
    Driver.again(
        "write",
        Driver.WRITE_PAUSE_MS,
        () -> {
          int n = written.incrementAndGet();
          client.getBucket(Driver.KEY, StringCodec.INSTANCE).set(String.valueOf(n));
          Driver.sayWritten(n);
        });
    Driver.again("read", Driver.READ_PAUSE_MS, () -> read(client));
    RedissonClient events = listen();
    Driver.untilStopped(
        () -> {
          events.shutdown();
          client.shutdown();
        });
  }

  private static void read(RedissonClient client) {
    List<Object> both =
        client
            .getScript(StringCodec.INSTANCE)
            .eval(RScript.Mode.READ_ONLY, READ, RScript.ReturnType.LIST, List.of(Driver.KEY));
    if (both.size() < 2 || both.get(0) == null) return;
    Driver.sayRead(both.get(0).toString(), both.get(1).toString().contains("role:slave") ? "slave" : "master");
  }

  /** A sentinel is a server as any other to those who subscribe. */
  private static RedissonClient listen() throws Exception {
    Config config = new Config().setProtocol(protocol());
    SingleServerConfig sentinel =
        config
            .useSingleServer()
            .setAddress(url(Driver.SENTINELS.get(0)))
            .setConnectionMinimumIdleSize(1)
            .setConnectionPoolSize(1);
    Driver.order("SENTINEL_USERNAME").ifPresent(sentinel::setUsername);
    Driver.order("SENTINEL_PASSWORD").ifPresent(sentinel::setPassword);
    secure(sentinel);
    RedissonClient client = Redisson.create(config);
    client
        .getTopic("+switch-master", StringCodec.INSTANCE)
        .addListener(String.class, (channel, payload) -> Driver.saySwitched(payload));
    // It returns when the subscription stands.
    Driver.sayListening();
    return client;
  }

  private static Config config() throws Exception {
    Config config = new Config().setProtocol(protocol());
    SentinelServersConfig servers =
        config
            .useSentinelServers()
            .setMasterName(Driver.MASTER_NAME)
            .setTimeout(Driver.TIMEOUT_MS)
            .setReadMode(ReadMode.SLAVE)
            .setMasterConnectionMinimumIdleSize(1)
            .setSlaveConnectionMinimumIdleSize(1);
    Driver.SENTINELS.forEach(address -> servers.addSentinelAddress(url(address)));
    Driver.order("SENTINEL_USERNAME").ifPresent(servers::setSentinelUsername);
    Driver.order("SENTINEL_PASSWORD").ifPresent(servers::setSentinelPassword);
    Driver.order("REDIS_USERNAME").ifPresent(servers::setUsername);
    Driver.order("REDIS_PASSWORD").ifPresent(servers::setPassword);
    secure(servers);
    return config;
  }

  private static void secure(BaseConfig<?> config) throws Exception {
    Optional<Driver.Tls> tls = Driver.tls();
    if (tls.isEmpty()) return;
    config.setSslTrustManagerFactory(tls.get().trust());
    config.setSslKeyManagerFactory(tls.get().own());
  }

  private static Protocol protocol() {
    return Driver.RESP3 ? Protocol.RESP3 : Protocol.RESP2;
  }

  private static String url(Driver.Address address) {
    String scheme = Driver.order("TLS_CA").isPresent() ? "rediss" : "redis";
    return scheme + "://" + address.host() + ":" + address.port();
  }
}
