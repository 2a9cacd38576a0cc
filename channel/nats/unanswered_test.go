package nats_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/channel/nats/embedded"
)

// deaf stands before a server inside the program, and leaves the first request of each kind
// without an answer: the server does not hear it, or is not heard.
type deaf struct {
	server  *embedded.Server
	hears   bool // but is not heard
	running sync.WaitGroup

	mu   sync.Mutex
	left map[string]bool // kinds
	mute map[string]bool // where answers would go
}

func (d *deaf) InProcessConn() (net.Conn, error) {
	return between(d.server, &d.running, d.asked, d.answered)
}

// between returns a connection to a server, of which what is asked and answered may be left
// out.
func between(
	s *embedded.Server, running *sync.WaitGroup, asked, answered func(words []string) (leave bool),
) (net.Conn, error) {
	server, err := s.InProcessConn()
	if err != nil {
		return nil, err
	}
	client, far := net.Pipe()
	running.Go(func() { pass(server, far, asked) })
	running.Go(func() { pass(far, server, answered) })
	return client, nil
}

// pass passes on lines of the protocol, with what they announce, that are not left out.
func pass(to io.WriteCloser, from io.ReadCloser, leave func(words []string) bool) {
	defer to.Close()
	defer from.Close()
	in := bufio.NewReader(from)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line)
		var payload []byte
		if len(words) > 2 && slices.Contains([]string{"PUB", "HPUB", "MSG", "HMSG"}, words[0]) {
			size, err := strconv.Atoi(words[len(words)-1])
			if err != nil {
				return
			}
			payload = make([]byte, size+len("\r\n"))
			if _, err := io.ReadFull(in, payload); err != nil {
				return
			}
			if leave(words) {
				continue
			}
		}
		if _, err := to.Write(append([]byte(line), payload...)); err != nil {
			return
		}
	}
}

// asked reports whether the server does not hear a request.
func (d *deaf) asked(words []string) bool {
	subject, reply := words[1], words[2]
	kind := kindOf(subject)
	if len(words) < 4+len(words[0])-len("PUB") || kind == "" { // nobody waits
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left[kind] {
		return false
	}
	d.left[kind], d.mute[reply] = true, d.hears
	return !d.hears
}

// answered reports whether an answer is not heard.
func (d *deaf) answered(words []string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.mute[words[1]]
}

// kindOf returns the kind of a request. It is none if nobody waits for an answer, or if what
// is not heard is another's only after a while, as a job.
func kindOf(subject string) string {
	if api, is := strings.CutPrefix(subject, "$JS.API."); is {
		words := strings.Split(api, ".")
		count := 2
		if words[1] == "MSG" {
			count = 3
		}
		kind := strings.Join(words[:count], ".")
		if kind == "CONSUMER.DELETE" || kind == "CONSUMER.MSG.NEXT" && words[count] == "parley-jobs" {
			return ""
		}
		return kind
	}
	for _, space := range []string{"$JS.ACK", "$KV.parley-leases.lease", "$KV.parley-leases.rec",
		"parley.log.=", "parley.log", "parley.job"} {
		if strings.HasPrefix(subject, space+".") || subject == space {
			return space
		}
	}
	return ""
}

// TestUnanswered: a request that is not answered is made again, whatever it is for, and what
// it is for happens once.
func TestUnanswered(t *testing.T) {
	record := []channel.Record{{Subject: "room", Key: "member", Value: []byte("ann")}}
	for name, test := range map[string]struct {
		before, call func(ctx context.Context, transport *nats.Transport) error
		kinds        string
	}{
		"append": {nothing, appendOnce, "CONSUMER.CREATE CONSUMER.MSG.NEXT STREAM.CREATE STREAM.INFO " +
			"STREAM.MSG.GET STREAM.NAMES STREAM.UPDATE parley.log parley.log.="},
		"since": {appendOnce, appendedOnce, "CONSUMER.CREATE CONSUMER.MSG.NEXT STREAM.INFO " +
			"STREAM.MSG.GET STREAM.NAMES"},
		"renew": {nothing, renewed(channel.LeaseNew),
			"$KV.parley-leases.lease STREAM.CREATE STREAM.INFO STREAM.MSG.GET"},
		"renew again": {renewed(channel.LeaseNew), renewed(channel.LeaseKept),
			"$KV.parley-leases.lease STREAM.INFO STREAM.MSG.GET"},
		"enter": {renewed(channel.LeaseNew), func(ctx context.Context, transport *nats.Transport) error {
			return errors.Join(transport.Enter(ctx, "parley.ann", record), isPresent(ctx, transport, 1))
		}, "$KV.parley-leases.rec CONSUMER.CREATE CONSUMER.MSG.NEXT STREAM.INFO STREAM.MSG.GET"},
		"exit": {func(ctx context.Context, transport *nats.Transport) error {
			_, err := transport.Renew(ctx, "parley.ann", time.Hour)
			return errors.Join(err, transport.Enter(ctx, "parley.ann", record))
		}, func(ctx context.Context, transport *nats.Transport) error {
			return errors.Join(transport.Exit(ctx, "parley.ann", record), isPresent(ctx, transport, 0))
		}, "$KV.parley-leases.rec CONSUMER.CREATE CONSUMER.MSG.NEXT STREAM.INFO STREAM.MSG.GET " +
			"STREAM.PURGE"},
		"drop": {renewed(channel.LeaseNew), func(ctx context.Context, transport *nats.Transport) error {
			return errors.Join(transport.Drop(ctx, "parley.ann"), isPresent(ctx, transport, 0))
		}, "$KV.parley-leases.lease CONSUMER.CREATE STREAM.INFO STREAM.MSG.GET STREAM.PURGE"},
		"enqueue": {nothing, enqueue, "STREAM.CREATE parley.job"},
		"take": {enqueue, func(ctx context.Context, transport *nats.Transport) error {
			held, err := transport.Take(ctx, "jobs", 10, time.Hour)
			if err != nil || len(held) != 1 {
				return fmt.Errorf("took %d, %w", len(held), err)
			}
			return transport.Done(ctx, "jobs", held[0])
		}, "$JS.ACK CONSUMER.CREATE CONSUMER.INFO"},
	} {
		for _, hears := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/heard %t", name, hears), func(t *testing.T) {
				t.Parallel()
				server := embeddedServers(t, 1)[0]
				o := nats.Options{InProcess: server, Timeout: patience}
				if err := test.before(patient(t), connect(t, o)); err != nil {
					t.Fatal(err)
				}
				d := &deaf{server: server, hears: hears,
					left: make(map[string]bool), mute: make(map[string]bool)}
				t.Cleanup(d.running.Wait)
				o.InProcess = d
				if err := test.call(patient(t), connect(t, o)); err != nil {
					t.Error(err)
				}
				d.mu.Lock()
				defer d.mu.Unlock()
				for _, kind := range strings.Fields(test.kinds) {
					if !d.left[kind] {
						t.Errorf("there was no %s", kind)
					}
				}
			})
		}
	}
}

func nothing(context.Context, *nats.Transport) error { return nil }

// appendOnce appends what must be there once.
func appendOnce(ctx context.Context, transport *nats.Transport) error {
	if _, err := transport.Append(ctx, "room", []byte("entry"), keepAll); err != nil {
		return err
	}
	return appendedOnce(ctx, transport)
}

func appendedOnce(ctx context.Context, transport *nats.Transport) error {
	past, err := transport.Since(ctx, "room", channel.Position{}, 10)
	if err != nil || len(past.Entries) != 1 || past.Last != 2 { // the first is the mark
		return fmt.Errorf("%+v, %w", past, err)
	}
	return nil
}

func renewed(want channel.LeaseState) func(ctx context.Context, transport *nats.Transport) error {
	return func(ctx context.Context, transport *nats.Transport) error {
		state, err := transport.Renew(ctx, "parley.ann", time.Hour)
		if err != nil || state != want {
			return fmt.Errorf("%v, %w", state, err)
		}
		return nil
	}
}

func isPresent(ctx context.Context, transport *nats.Transport, want int) error {
	present, err := transport.Present(ctx, "room")
	if err != nil || len(present) != want {
		return fmt.Errorf("%d are present, %w", len(present), err)
	}
	return nil
}

func enqueue(ctx context.Context, transport *nats.Transport) error {
	return transport.Enqueue(ctx, "jobs", []byte("job"))
}

// TestSeveralComeFirst: several ask a new cluster for the same at once.
func TestSeveralComeFirst(t *testing.T) {
	servers := embeddedServers(t, 3)
	failures := make(chan error, 4*len(servers))
	for i, server := range servers {
		transport := connect(t, nats.Options{InProcess: server, Replicas: 3, Timeout: patience})
		for _, call := range []func(ctx context.Context) error{
			func(ctx context.Context) error {
				_, err := transport.Renew(ctx, fmt.Sprint("parley.", i), time.Minute)
				return err
			},
			func(ctx context.Context) error {
				_, err := transport.Follow(ctx, "log", func(channel.Entry) {})
				return err
			},
			func(ctx context.Context) error {
				_, err := transport.Append(ctx, "log", nil, keepAll)
				return err
			},
			func(ctx context.Context) error { return enqueue(ctx, transport) },
		} {
			ctx := patient(t)
			go func() { failures <- call(ctx) }()
		}
	}
	for range 4 * len(servers) {
		if err := await(t, "answer", failures); err != nil {
			t.Error(err)
		}
	}
}
