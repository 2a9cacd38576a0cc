package nats_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// rights returns a configuration in which the user "ann" may publish and subscribe to these
// subjects.
func rights(publish, subscribe string) []string {
	return []string{fmt.Sprintf(`authorization { users: [ { user: ann, password: a, permissions: {
		publish: [%s], subscribe: [%s] } } ] }`, publish, subscribe)}
}

func ann(address string) nats.Options {
	return nats.Options{Servers: []string{address}, User: "ann", Password: "a", Timeout: 10 * time.Second}
}

func denied(err error) bool { return errors.Is(err, natsgo.ErrPermissionViolation) }

// TestDenied: each call hears whether it was allowed, whatever others hear at the same time.
func TestDenied(t *testing.T) {
	const mine = `"parley.pub.both.>", "parley.ctl.>", "_INBOX.>"`
	bothServers(t, rights(mine+`, "parley.pub.says.>"`, mine+`, "parley.pub.hears.>"`),
		func(t *testing.T, address string) {
			o := ann(address)
			o.Timeout = patience // for so many at once
			transport := connect(t, o)
			var calling sync.WaitGroup
			for i := range 200 {
				for _, space := range []string{"both", "says", "hears", "neither"} {
					subject := fmt.Sprint(space, ".", i%20)
					calling.Go(func() {
						err := transport.Publish(patient(t), subject, nil)
						if allowed := space == "both" || space == "says"; denied(err) == allowed {
							t.Errorf("publish to %s: %v", subject, err)
						}
					})
					calling.Go(func() {
						sub, err := transport.Subscribe(patient(t), subject, func([]byte) {})
						if allowed := space == "both" || space == "hears"; denied(err) == allowed {
							t.Errorf("subscribe to %s: %v", subject, err)
						}
						if err == nil && sub.Unsubscribe() != nil {
							t.Error("unsubscribe fails")
						}
					})
				}
			}
			calling.Wait()
		})
}

// TestDeniedKeeping: a server that does not allow a request does not answer it. The caller
// hears why, and does not wait for the answer.
func TestDeniedKeeping(t *testing.T) {
	const groups = `"parley.>", "_INBOX.>"`
	for name, rights := range map[string][]string{
		"API":     rights(groups, groups),
		"answers": rights(groups+`, "$JS.>", "$KV.>"`, `"parley.>"`),
	} {
		t.Run(name, func(t *testing.T) {
			bothServers(t, rights, func(t *testing.T, address string) {
				o := ann(address)
				o.Timeout = time.Hour
				transport := connect(t, o)
				var calling sync.WaitGroup
				for what, call := range calls(transport) {
					calling.Go(func() {
						if err := call(patient(t)); !denied(err) {
							t.Errorf("%s: %v", what, err)
						}
					})
				}
				calling.Wait()
			})
		})
	}
}

// TestDeniedOne: where one right is missing, those calls fail that need it, and no others that
// are made at the same time.
func TestDeniedOne(t *testing.T) {
	for missing, want := range map[string]string{
		"$JS.API.STREAM.NAMES":                   "append follow since",
		"$JS.API.STREAM.INFO.KV_parley-leases":   "enter present renew",
		"$JS.API.CONSUMER.INFO.parley-jobs.*":    "take",
		"$JS.API.CONSUMER.MSG.NEXT.*.*":          "append enter follow present since take",
		"$KV.parley-leases.rec.parley=2Eann.*.>": "enter",
		"parley.job.other":                       "enqueue",
		"parley.log.room":                        "append",
	} {
		t.Run(missing, func(t *testing.T) {
			server := servicetest.StartNATS(t, `authorization { users: [ { user: root, password: r },`,
				fmt.Sprintf(`{ user: ann, password: a, permissions: { publish: { deny: [ %q ] } } } ] }`, missing))
			o := ann(server.Addr)
			o.Timeout = time.Hour
			own := connect(t, o)
			prepare(t, connect(t, nats.Options{Servers: []string{server.Addr}, User: "root", Password: "r"}))
			var failed []string
			var mu sync.Mutex
			var calling sync.WaitGroup
			for name, call := range calls(own) {
				calling.Go(func() {
					err := call(patient(t))
					if err != nil && !denied(err) {
						t.Errorf("%s: %v", name, err)
					}
					if mu.Lock(); err != nil {
						failed = append(failed, name)
					}
					mu.Unlock()
				})
			}
			calling.Wait()
			slices.Sort(failed)
			if got := strings.Join(failed, " "); got != want {
				t.Errorf("denied are %q, want %q", got, want)
			}
		})
	}
}

// prepare has something there for each of the calls.
func prepare(t *testing.T, root *nats.Transport) {
	t.Helper()
	_, err := root.Append(patient(t), "room", nil, keepAll)
	for range 2 {
		err = errors.Join(err, root.Enqueue(patient(t), "jobs", nil))
	}
	_, renewed := root.Renew(patient(t), "parley.ann", time.Minute)
	held, taken := root.Take(patient(t), "jobs", 1, time.Minute)
	if err = errors.Join(err, renewed, taken); err != nil || len(held) != 1 {
		t.Fatal(err)
	}
}

// calls are those for what is kept.
func calls(transport *nats.Transport) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"append": func(ctx context.Context) error {
			_, err := transport.Append(ctx, "room", nil, keepAll)
			return err
		},
		"since": func(ctx context.Context) error {
			_, err := transport.Since(ctx, "room", channel.Position{}, 1)
			return err
		},
		"follow": func(ctx context.Context) error {
			_, err := transport.Follow(ctx, "room", func(channel.Entry) {})
			return err
		},
		"renew": func(ctx context.Context) error {
			_, err := transport.Renew(ctx, "parley.b", time.Minute)
			return err
		},
		"enter": func(ctx context.Context) error {
			return transport.Enter(ctx, "parley.ann", []channel.Record{{Subject: "room", Key: "k"}})
		},
		"present": func(ctx context.Context) error {
			_, err := transport.Present(ctx, "room")
			return err
		},
		"enqueue": func(ctx context.Context) error { return transport.Enqueue(ctx, "other", nil) },
		"take": func(ctx context.Context) error {
			_, err := transport.Take(ctx, "jobs", 1, time.Minute)
			return err
		},
	}
}

// TestRightsChange: what was denied once and is allowed now is no error any more, and who
// loses the right to a subscription is told.
func TestRightsChange(t *testing.T) {
	const groups = `"parley.>", "_INBOX.>"`
	server := servicetest.StartNATS(t, rights(groups, groups)...)
	transport := connect(t, ann(server.Addr))
	notices := told(transport)
	if _, err := transport.Subscribe(patient(t), "room", func([]byte) {}); err != nil {
		t.Fatal(err)
	}
	server.Reload(rights(`"_INBOX.>"`, `"_INBOX.>"`)...)
	if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "room" {
		t.Errorf("told of %q", subjects)
	}
	try := func(want bool) {
		t.Helper()
		if err := transport.Publish(patient(t), "room", nil); denied(err) != want {
			t.Errorf("publish: %v", err)
		}
		sub, err := transport.Subscribe(patient(t), "other", func([]byte) {})
		if denied(err) != want {
			t.Errorf("subscribe: %v", err)
		}
		if err == nil && sub.Unsubscribe() != nil {
			t.Error("unsubscribe fails")
		}
	}
	try(true)
	server.Reload(rights(groups, groups)...)
	try(false)
}

// TestRightComesBack: who has lost the right to subscriptions is told, and told again when it
// is back, and hears from then on. So are answers heard again.
func TestRightComesBack(t *testing.T) {
	const all = `"parley.>", "_INBOX.>", "$JS.>", "$KV.>"`
	for name, left := range map[string]string{
		"groups":  `"parley.pub.never", "parley.ctl.>", "_INBOX.>"`,
		"answers": `"parley.>"`,
		"all":     `"parley.pub.never"`,
	} {
		t.Run(name, func(t *testing.T) {
			server := servicetest.StartNATS(t, rights(all, all)...)
			transport, heard := connect(t, ann(server.Addr)), make(chan string, 1000)
			subjects := []string{"queue"}
			sub, err := transport.QueueSubscribe(patient(t), "queue", func([]byte) { heard <- "queue" })
			for i := range 40 {
				room := fmt.Sprint("room.", i)
				_, failed := transport.Subscribe(patient(t), room, func([]byte) { heard <- room })
				err, subjects = errors.Join(err, failed), append(subjects, room)
			}
			_, asked := transport.Since(patient(t), "room", channel.Position{}, 1)
			if err = errors.Join(err, asked); err != nil {
				t.Fatal(err)
			}
			notices := told(transport)
			if server.Reload(rights(all, left)...); name != "answers" {
				hears(t, notices, subjects)
			}
			server.Reload(rights(all, all)...)
			hears(t, notices, subjects)
			until(t, "answer", func() bool {
				_, err := transport.Since(patient(t), "room", channel.Position{}, 1)
				return err == nil
			})
			for _, subject := range subjects {
				if err := transport.Publish(patient(t), subject, nil); err != nil {
					t.Fatal(err)
				}
				if got := await(t, "message", heard); got != subject {
					t.Errorf("%s heard, want %s", got, subject)
				}
			}
			if err := sub.Unsubscribe(); err != nil || len(heard) > 0 {
				t.Errorf("%v, and %d are heard twice", err, len(heard))
			}
		})
	}
}

// hears waits until all subjects were told of.
func hears(t *testing.T, notices <-chan []string, subjects []string) {
	t.Helper()
	missing := make(map[string]bool)
	for _, subject := range subjects {
		missing[subject] = true
	}
	for len(missing) > 0 {
		for _, subject := range await(t, "notice", notices) {
			delete(missing, subject)
		}
	}
}

// TestTriedWithoutAStorm: subscriptions that are not allowed any more cost the server a few
// questions now and then, however many they are, and those that have ended are forgotten.
func TestTriedWithoutAStorm(t *testing.T) {
	const many, groups = 1000, `"parley.>", "_INBOX.>"`
	server := servicetest.StartNATS(t, rights(groups, groups)...)
	transport := connect(t, ann(server.Addr))
	notices := told(transport)
	var subs []channel.Subscription
	var subjects []string
	for i := range many {
		subject := fmt.Sprint("room.", i)
		sub, err := transport.Subscribe(patient(t), subject, func([]byte) {})
		if err != nil {
			t.Fatal(err)
		}
		subs, subjects = append(subs, sub), append(subjects, subject)
	}
	server.Reload(rights(groups, `"parley.pub.room.1", "_INBOX.>"`)...)
	hears(t, notices, slices.DeleteFunc(subjects, func(s string) bool { return s == "room.1" }))
	const refusal = "Subscription Violation"
	before := strings.Count(server.Output(), refusal)
	until(t, "tried again", func() bool { return strings.Count(server.Output(), refusal) >= before+24 })
	if tried := strings.Count(server.Output(), refusal) - before; tried > 8*20 {
		t.Errorf("%d were tried", tried)
	}
	for _, sub := range subs {
		if err := sub.Unsubscribe(); err != nil {
			t.Error(err)
		}
	}
	if waiting := nats.Ended(transport); waiting > 0 {
		t.Errorf("%d are to be tried again that nobody wants", waiting)
	}
	if len(notices) > 0 {
		t.Errorf("told again of %d", len(<-notices))
	}
}

// TestTooManySubscriptions: a limit of the server is an error of the call.
func TestTooManySubscriptions(t *testing.T) {
	const limit = 20
	bothServers(t, []string{fmt.Sprint("max_subscriptions: ", limit)}, func(t *testing.T, address string) {
		transport := connect(t, nats.Options{Servers: []string{address}})
		var subs []channel.Subscription
		for i := range 2 * limit {
			sub, err := transport.Subscribe(patient(t), fmt.Sprint("room.", i), func([]byte) {})
			if i >= limit && !errors.Is(err, natsgo.ErrMaxSubscriptionsExceeded) {
				t.Fatalf("subscription %d: %v", i, err)
			}
			if err == nil {
				subs = append(subs, sub)
			}
		}
		if err := transport.Publish(patient(t), "room", nil); err != nil {
			t.Error(err)
		}
		if err := subs[0].Unsubscribe(); err != nil {
			t.Error(err)
		}
		if _, err := transport.Subscribe(patient(t), "again", func([]byte) {}); err != nil {
			t.Error(err)
		}
	})
}
