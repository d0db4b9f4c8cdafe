import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.RedisSentinelClient;

/** Jedis: the sentinel client for the master; it leaves it to its user to find a replica, which is asked of a sentinel. */
public final class Main {
  private static Jedis replica;

  public static void main(String[] args) throws Exception {
    JedisClientConfig data = config("REDIS");
    JedisClientConfig control = config("SENTINEL");
    RedisSentinelClient master =
        RedisSentinelClient.builder()
            .masterName(Driver.MASTER_NAME)
            .sentinels(Driver.SENTINELS.stream().map(Main::hostAndPort).collect(Collectors.toSet()))
            .clientConfig(data)
            .sentinelClientConfig(control)
            .build();
    AtomicInteger written = new AtomicInteger();
    Driver.again(
        "write",
        Driver.WRITE_PAUSE_MS,
        () -> {
          int n = written.incrementAndGet();
          master.set(Driver.KEY, String.valueOf(n));
          Driver.sayWritten(n);
        });
    Driver.again("read", Driver.READ_PAUSE_MS, () -> read(data, control));
    Driver.again("listener", Driver.READ_PAUSE_MS, () -> listen(control));
    Driver.untilStopped(master::close);
  }

  private static void read(JedisClientConfig data, JedisClientConfig control) {
    try {
      if (replica == null) replica = new Jedis(anyReplica(control), data);
      String value = replica.get(Driver.KEY);
      Object role = replica.role().get(0);
      String text = role instanceof byte[] bytes ? new String(bytes) : String.valueOf(role);
      if (value != null) Driver.sayRead(value, text);
    } catch (RuntimeException error) {
      if (replica != null) replica.close();
      replica = null;
      throw error;
    }
  }

  private static HostAndPort anyReplica(JedisClientConfig control) {
    try (Jedis sentinel = new Jedis(hostAndPort(Driver.SENTINELS.get(0)), control)) {
      Map<String, String> found =
          sentinel.sentinelReplicas(Driver.MASTER_NAME).stream()
              .filter(fields -> fields.get("flags").equals("slave"))
              .findAny()
              .orElseThrow();
      return new HostAndPort(found.get("ip"), Integer.parseInt(found.get("port")));
    }
  }

  private static void listen(JedisClientConfig control) {
    try (Jedis sentinel = new Jedis(hostAndPort(Driver.SENTINELS.get(0)), without(control))) {
      sentinel.subscribe(
          new JedisPubSub() {
            @Override
            public void onSubscribe(String channel, int count) {
              Driver.sayListening();
            }

            @Override
            public void onMessage(String channel, String payload) {
              Driver.saySwitched(payload);
            }
          },
          "+switch-master");
    }
  }

  /** The same without a time limit: a subscription may be silent for long. */
  private static JedisClientConfig without(JedisClientConfig control) {
    return DefaultJedisClientConfig.builder().from(control).socketTimeoutMillis(0).build();
  }

  private static JedisClientConfig config(String server) throws Exception {
    DefaultJedisClientConfig.Builder config =
        DefaultJedisClientConfig.builder()
            .timeoutMillis(Driver.TIMEOUT_MS)
            .protocol(Driver.RESP3 ? RedisProtocol.RESP3 : RedisProtocol.RESP2);
    Driver.order(server + "_USERNAME").ifPresent(config::user);
    Driver.order(server + "_PASSWORD").ifPresent(config::password);
    Optional<Driver.Tls> tls = Driver.tls();
    if (tls.isPresent()) config.ssl(true).sslSocketFactory(tls.get().context().getSocketFactory());
    return config.build();
  }

  private static HostAndPort hostAndPort(Driver.Address address) {
    return new HostAndPort(address.host(), address.port());
  }
}
