# ts-sentinel as an image that takes the place of the genuine one: same paths, same commands, same port.
#   docker build -t ts-sentinel .
#   docker run -v "$PWD/sentinel:/etc/redis" -p 26379:26379 ts-sentinel
# Mount the folder rather than the single file: a sentinel keeps its state in its configuration file, and replaces that
# file as a whole.

FROM node:22-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build \
 && rm -r dist/demo \
 && chmod +x dist/main.js \
 && npm prune --omit=dev --no-audit --no-fund

FROM node:22-slim
# redis-cli is what probes and operators' scripts run inside the container, and tini is to be process 1. The user comes
# first, with the number that it has in the genuine image; the package would make one with another.
RUN groupadd --system --gid 999 redis \
 && useradd --system --uid 999 --gid redis --home-dir /data --no-create-home redis \
 && apt-get update \
 && apt-get install -y --no-install-recommends redis-tools tini \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /data /etc/redis \
 && chown redis:redis /data /etc/redis
COPY LICENSE package.json /usr/local/lib/ts-sentinel/
COPY --from=build /build/node_modules /usr/local/lib/ts-sentinel/node_modules
COPY --from=build /build/dist /usr/local/lib/ts-sentinel/dist
COPY packaging/docker-entrypoint /usr/local/bin/docker-entrypoint.sh
# `redis-sentinel <file>` and `redis-server <file> --sentinel` are how the genuine image is started.
RUN for name in ts-sentinel redis-sentinel redis-server; do \
      ln -s /usr/local/lib/ts-sentinel/dist/main.js "/usr/local/bin/$name"; \
    done

WORKDIR /data
VOLUME /data
EXPOSE 26379
# As in the genuine image, it begins as root and ends as user redis, where that user may write the file's folder; as
# process 1 it leaves tini. Whoever replaces it makes the sentinel process 1, and needs `docker run --init`.
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["/etc/redis/sentinel.conf"]

# Any answer is a sign of life, also one that asks for a password. Where the sentinel listens elsewhere, tell it here.
ENV SENTINEL_HOST=127.0.0.1 SENTINEL_PORT=26379
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "-e", "const { SENTINEL_PORT: port, SENTINEL_HOST: host } = process.env; const socket = require('net').connect(port, host, () => socket.write('PING\\r\\n')); socket.on('data', (answer) => process.exit(/^[+-]/.test(answer) ? 0 : 1)).on('error', () => process.exit(1)); setTimeout(() => process.exit(1), 2000);"]
