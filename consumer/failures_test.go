package consumer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// TestTwoFailures: the first is Serve's to return; one of Disconnect is, where there
// was no other, and is logged where there was.
func TestTwoFailures(t *testing.T) {
	ouch := errors.New("ouch")
	for name, test := range map[string]struct {
		receive error
		gone    bool // Disconnect fails
		want    error
		logged  string
	}{
		"none":          {consumer.ErrStop, false, nil, ""},
		"handler":       {errTest, false, errTest, ""},
		"Disconnect":    {consumer.ErrStop, true, ouch, ""},
		"both":          {errTest, true, errTest, "ouch"},
		"peer and that": {parley.ErrDisconnected, true, ouch, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log testlog.Lines
				r := &room{
					receive: func(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
						return test.receive
					},
					gone: func(context.Context, *consumer.Conn) {
						if test.gone {
							panic(ouch)
						}
					},
				}
				s := dial(t, consumer.New(r.factory, consumer.Options{Logger: log.Logger()}))
				s.Accept()
				s.Send(parley.Text("go"))
				if err := s.Wait(); !errors.Is(err, test.want) {
					t.Errorf("ended with %v, want %v", err, test.want)
				}
				if got := log.String(); (got == "") != (test.logged == "") ||
					!strings.Contains(got, test.logged) {
					t.Errorf("logged %q, want %q", got, test.logged)
				}
			})
		})
	}
}
