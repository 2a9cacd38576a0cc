package redis

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/internal/servicetest"
)

func TestWrongOptions(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		says    string
	}{
		"scheme":   {Options{URLs: []string{"http://localhost"}}, "Options.URLs[0]"},
		"database": {Options{URLs: []string{"redis://localhost/x"}}, "Options.URLs[0]"},
		"password": {Options{URLs: []string{"redis://u:secret@localhost:%zz"}}, "Options.URLs[0]"},
		"mixed": {Options{URLs: []string{"redis://a", "rediss://b"}},
			"Options.URLs[1]: some with TLS"},
		"prefix":      {Options{Prefix: "a{b}"}, "Options.Prefix"},
		"collides":    {Options{Prefix: "a#1"}, "Options.Prefix"},
		"nobody home": {Options{URLs: []string{"redis://127.0.0.1:1"}}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(test.options)
			if err == nil || !strings.Contains(err.Error(), test.says) ||
				strings.Contains(err.Error(), "secret") {
				t.Errorf("%v", err)
			}
		})
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "Options.Timeout") {
			t.Errorf("panicked with %s", got)
		}
	}()
	_, _ = New(Options{Timeout: -1})
}

// TestNamesAndSlots: the server agrees on the slot, and a subject comes back out of any
// name.
func TestNamesAndSlots(t *testing.T) {
	server := servicetest.StartRedis(t, "--cluster-enabled", "yes")
	for _, names := range []names{newNames("parley", 0), newNames("a.b", 7)} {
		for _, subject := range []string{"a", "parley.group.room", "x!y", strings.Repeat("n", 255)} {
			for _, what := range []kind{plain, kept, ledger, backlog, bell, readersKey, work, due, gong} {
				name := names.of(what, subject)
				if got := names.subject(what, name); got != subject {
					t.Errorf("%s is of %s", name, got)
				}
				got := server.Must("CLUSTER", "KEYSLOT", name)
				if want := fmt.Sprintf(":%d", slot(subject)); got != want {
					t.Errorf("%s has the slot %s, not %s", name, got, want)
				}
			}
		}
	}
}

// TestDialerWaits: after a failure nobody tries again for a while, and whoever was away
// is noticed to be back.
func TestDialerWaits(t *testing.T) {
	address := "127.0.0.1:" + servicetest.FreePort(t)
	synctest.Test(t, func(t *testing.T) { dialerWaits(t, address) }) // no time passes by itself
}

func dialerWaits(t *testing.T, address string) {
	back := 0
	d := &dialer{work: t.Context(), life: t.Context(), reached: func() { back++ }}
	dial := func() error {
		conn, err := d.dial(t.Context(), address, new(net.Dialer), nil)
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	first, second := dial(), dial()
	if first == nil || second == nil || !errors.Is(second, first) {
		t.Errorf("%v, then %v", first, second)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	for dial() != nil {
		time.Sleep(time.Millisecond)
	}
	if err := dial(); err != nil || back != 1 {
		t.Errorf("%v, back %d times", err, back)
	}
}

func TestPausesGrow(t *testing.T) {
	for failures := range 1000 {
		longest := lastPause
		if failures < 7 {
			longest = firstPause << failures
		}
		if got := pause(failures); got < longest/2 || got > longest {
			t.Errorf("%v after %d failures", got, failures)
		}
	}
}

func FuzzEntry(f *testing.F) {
	for _, text := range []string{"", "e:1 x", "e:1 ", "e:1", "e:0 x", ":1 x", "e:1  x\n", "é:1 x"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		entry, ok := readEntry(message)
		if ok && entry.Position.String()+" "+string(entry.Payload) != string(message) {
			t.Errorf("%q is %+v", message, entry)
		}
		if ok && entry.Previous != entry.Position.Offset-1 {
			t.Errorf("%+v", entry)
		}
	})
}

var (
	_ channel.Transport       = (*Transport)(nil)
	_ channel.QueueSubscriber = (*Transport)(nil)
	_ channel.Interrupter     = (*Transport)(nil)
	_ channel.Log             = (*Transport)(nil)
	_ channel.Leases          = (*Transport)(nil)
	_ channel.Jobs            = (*Transport)(nil)
)
