// go-redis: a failover client for the master, another one for the replicas, a sentinel client for the events.
// The orders come from the environment, the lines to the driver go to stdout (see ../program.ts).
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	writePause = 20 * time.Millisecond
	readPause  = 50 * time.Millisecond
)

var (
	sentinels  = strings.Split(os.Getenv("SENTINELS"), ",")
	masterName = os.Getenv("MASTER_NAME")
	key        = os.Getenv("KEY")
)

type line struct {
	Event   string `json:"event"`
	N       int    `json:"n,omitempty"`
	Role    string `json:"role,omitempty"`
	Payload string `json:"payload,omitempty"`
	Where   string `json:"where,omitempty"`
	Text    string `json:"text,omitempty"`
}

// say tells the driver; one line is one write, so lines of two goroutines do not mix.
func say(told line) {
	text, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
}

// again does something over and over; an error is told, and whether it may happen is for the driver to judge.
func again(where string, pause time.Duration, once func() error) {
	for {
		if err := once(); err != nil {
			say(line{Event: "error", Where: where, Text: err.Error()})
		}
		time.Sleep(pause)
	}
}

func main() {
	ctx := context.Background()
	master := redis.NewFailoverClient(options(false))
	replica := redis.NewFailoverClient(options(true))
	written := 0
	go again("write", writePause, func() error {
		written++
		n := written
		err := master.Set(ctx, key, n, 0).Err()
		if err == nil {
			say(line{Event: "write", N: n})
		}
		return err
	})
	go again("read", readPause, func() error { return read(ctx, replica) })
	go again("listener", readPause, func() error { return listen(ctx) })
	bufio.NewReader(os.Stdin).ReadString('\n')
	say(line{Event: "stopped"})
}

func read(ctx context.Context, replica *redis.Client) error {
	// In a pipeline both go to the same node.
	pipe := replica.Pipeline()
	value := pipe.Get(ctx, key)
	role := pipe.Do(ctx, "ROLE")
	if _, err := pipe.Exec(ctx); err == redis.Nil {
		return nil
	} else if err != nil {
		return err
	}
	n, err := value.Int()
	if err != nil {
		return err
	}
	say(line{Event: "read", N: n, Role: fmt.Sprint(role.Val().([]any)[0])})
	return nil
}

func listen(ctx context.Context) error {
	sentinel := redis.NewSentinelClient(&redis.Options{
		Addr:      sentinels[0],
		Username:  os.Getenv("SENTINEL_USERNAME"),
		Password:  os.Getenv("SENTINEL_PASSWORD"),
		Protocol:  protocol(),
		TLSConfig: tlsConfig(),
	})
	defer sentinel.Close()
	events := sentinel.Subscribe(ctx, "+switch-master")
	defer events.Close()
	for {
		message, err := events.Receive(ctx)
		if err != nil {
			return err
		}
		switch message := message.(type) {
		case *redis.Subscription:
			say(line{Event: "listening"})
		case *redis.Message:
			say(line{Event: "switched", Payload: message.Payload})
		}
	}
}

func options(replicaOnly bool) *redis.FailoverOptions {
	return &redis.FailoverOptions{
		MasterName:       masterName,
		SentinelAddrs:    sentinels,
		SentinelUsername: os.Getenv("SENTINEL_USERNAME"),
		SentinelPassword: os.Getenv("SENTINEL_PASSWORD"),
		Username:         os.Getenv("REDIS_USERNAME"),
		Password:         os.Getenv("REDIS_PASSWORD"),
		ReplicaOnly:      replicaOnly,
		Protocol:         protocol(),
		TLSConfig:        tlsConfig(),
	}
}

func protocol() int {
	version, err := strconv.Atoi(os.Getenv("PROTOCOL"))
	if err != nil {
		panic(err)
	}
	return version
}

// tlsConfig is nil where no TLS is wanted.
func tlsConfig() *tls.Config {
	file := os.Getenv("TLS_CA")
	if file == "" {
		return nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	own, err := tls.LoadX509KeyPair(os.Getenv("TLS_CERT"), os.Getenv("TLS_KEY"))
	if err != nil {
		panic(err)
	}
	return &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}
}
