package nats_test

import (
	"strings"
	"sync/atomic"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/parleygo/parley/channel/nats"
	"github.com/parleygo/parley/internal/servicetest"
)

// TestLoginChanges while programs run: the server throws out who came by the old one, and
// refuses it for as long as it comes with that. With the new one it is let in again, and told
// that it has missed something.
func TestLoginChanges(t *testing.T) {
	login := func(password string) string {
		return "authorization { user: ann, password: " + password + " }"
	}
	server := servicetest.StartNATS(t, login("old"))
	var password atomic.Value
	password.Store("old")
	var asked atomic.Int64
	transport := connect(t, nats.Options{Servers: []string{server.Addr}, Connect: []natsgo.Option{
		natsgo.UserInfoHandler(func() (user, pass string) {
			asked.Add(1)
			return "ann", password.Load().(string)
		})}})
	notices := told(transport)
	got := make(chan []byte, 1)
	hears := func() {
		t.Helper()
		if err := transport.Publish(patient(t), "room", nil); err != nil {
			t.Error(err)
		}
		await(t, "payload", got)
	}
	if _, err := transport.Subscribe(patient(t), "room", func(b []byte) { got <- b }); err != nil {
		t.Fatal(err)
	}
	hears()
	before := asked.Load()
	server.Reload(login("new"))
	until(t, "refusals", func() bool { return asked.Load() > before+4 })
	if err := transport.Publish(patient(t), "room", nil); err == nil {
		t.Error("published without a login")
	}
	password.Store("new")
	if subjects := await(t, "notice", notices); strings.Join(subjects, " ") != "room" {
		t.Errorf("told of %q", subjects)
	}
	hears()
}
