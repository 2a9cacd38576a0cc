package redis_test

import (
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
	"github.com/parleygo/parley/internal/servicetest"
)

var keepAll = channel.Keep{
	Messages: math.MaxInt, Age: math.MaxInt64, Bytes: math.MaxInt,
}

// TestMemoryIsLost in every way in which a server can lose it: an offset never means
// two things, and owners hear that their records are gone.
func TestMemoryIsLost(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		args []string
		lose func(server *servicetest.Redis)
	}{
		{"Flushed", nil, func(server *servicetest.Redis) { server.Must("FLUSHALL") }},
		{"Restarted", nil, func(server *servicetest.Redis) { server.Kill(); server.Restart() }},
		{"RestartedWithItsFile", []string{"--appendonly", "yes", "--appendfsync", "no"},
			func(server *servicetest.Redis) { server.Kill(); server.Restart() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := servicetest.StartRedis(t, test.args...)
			transport := connect(t, redis.Options{URLs: []string{url(server)}})
			state := func(want channel.LeaseState) {
				t.Helper()
				eventually(t, func() error { // the first call after a restart may fail
					got, err := transport.Renew(t.Context(), "t.a", time.Minute)
					if err == nil && got != want {
						t.Errorf("the lease is %v, want %v", got, want)
					}
					return err
				})
			}
			present := func(want int) {
				t.Helper()
				records, err := transport.Present(t.Context(), "room")
				if err != nil || len(records) != want {
					t.Errorf("%v, %v, want %d", records, err, want)
				}
			}
			state(channel.LeaseNew)
			records := []channel.Record{{Subject: "room", Key: "k", Value: []byte("v")}}
			if err := transport.Enter(t.Context(), "t.a", records); err != nil {
				t.Fatal(err)
			}
			present(1)
			before, err := transport.Append(t.Context(), "log", []byte("1"), keepAll)
			if err != nil {
				t.Fatal(err)
			}
			test.lose(server)
			state(channel.LeaseForgotten)
			present(0)
			state(channel.LeaseKept)
			past, err := transport.Since(t.Context(), "log", before, 10)
			if err != nil || past.Epoch == before.Epoch || len(past.Entries) > 0 {
				t.Errorf("%+v, %v", past, err)
			}
			after, err := transport.Append(t.Context(), "log", []byte("2"), keepAll)
			if err != nil || after.Epoch == before.Epoch || after.Offset != 1 {
				t.Errorf("%v after %v, %v", after, before, err)
			}
		})
	}
}

// TestKeptForEver: without a bound of age nothing expires.
func TestKeptForEver(t *testing.T) {
	t.Parallel()
	server := servicetest.StartRedis(t)
	transport := connect(t, redis.Options{URLs: []string{url(server)}})
	brief := keepAll
	brief.Age = time.Hour
	for want, keep := range map[string]channel.Keep{"log": keepAll, "brief": brief} {
		if _, err := transport.Append(t.Context(), want, nil, keep); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"log", "mark"} {
			life := server.Must("PTTL", "parley:"+what+":{"+want+"}")
			if (life == ":-1") != (want == "log") {
				t.Errorf("%s of %s lives for %s", what, want, life)
			}
		}
	}
}
