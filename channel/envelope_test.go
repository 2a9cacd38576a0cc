package channel

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

func TestEnvelopeRoundTrip(t *testing.T) {
	binary := FromPrepared("blob", parley.Prepare(parley.Binary([]byte{0, 255})))
	for _, e := range []envelope{
		{kind: kindDirect, origin: "L1", target: "inbox.L2!R",
			message: NewMessage("chat.line", []byte("hi"))},
		{kind: kindDirect, origin: "L1", target: "jobs", message: NewMessage("t", nil)},
		{kind: kindGroup, origin: strings.Repeat("o", MaxName), target: strings.Repeat("g", MaxName),
			message: binary},
		kickFrom("L1", kindKick, "inbox.L2!R", parley.ErrAuthExpired),
		kickFrom("L1", kindGroupKick, "room", nil),
	} {
		got, err := decodeEnvelope(e.encode())
		if err != nil {
			t.Errorf("%+v: %v", e, err)
			continue
		}
		sentKind, sentData := e.message.Send().Payload()
		gotKind, gotData := got.message.Send().Payload()
		if got.kind != e.kind || got.origin != e.origin || got.target != e.target ||
			got.message.typ != e.message.typ ||
			gotKind != sentKind || !bytes.Equal(gotData, sentData) {
			t.Errorf("%+v came back as %+v", e, got)
		}
	}
}

func kickFrom(origin string, kind byte, target string, cause error) envelope {
	layer := New(Options{Logger: slog.New(slog.DiscardHandler)})
	e := layer.kick(kind, target, cause)
	e.origin = origin
	return e
}

func TestBadEnvelopes(t *testing.T) {
	good := func(change func(*envelope)) []byte {
		e := envelope{kind: kindGroup, origin: "L1", target: "room",
			message: NewMessage("t", []byte("x"))}
		change(&e)
		return e.encode()
	}
	for name, wire := range map[string][]byte{
		"empty":                {},
		"other version":        append([]byte{2}, good(func(*envelope) {})[1:]...),
		"unknown kind":         good(func(e *envelope) { e.kind = 9 }),
		"kind zero":            good(func(e *envelope) { e.kind = 0 }),
		"unknown message type": {envelopeVersion, kindGroup, 2, 1, 'o', 1, 'g', 1, 't'},
		"cut in a name":        {envelopeVersion, kindGroup, 0, 1, 'o', 5, 'g'},
		"cut before a name":    {envelopeVersion, kindGroup, 0, 1, 'o'},
		"no origin":            good(func(e *envelope) { e.origin = "" }),
		"bad group":            good(func(e *envelope) { e.target = "a!b" }),
		"bad name":             good(func(e *envelope) { e.kind, e.target = kindDirect, "a!b!c" }),
		"bad type":             good(func(e *envelope) { e.message.typ = "a b" }),
		"long name":            good(func(e *envelope) { e.target = strings.Repeat("n", MaxName+1) }),
		"kick without code":    good(func(e *envelope) { e.kind = kindGroupKick }),
		"kick without a cause": good(func(e *envelope) {
			e.kind, e.message = kindGroupKick, NewMessage("kick", []byte("\x03\xe8"))
		}),
		"kick, long reason": good(func(e *envelope) {
			e.kind, e.message = kindGroupKick, NewMessage("kick", make([]byte, kickHead+124))
		}),
		"text of a stranger": []byte("hello, world"),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := decodeEnvelope(wire); !errors.Is(err, errBadEnvelope) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whatever comes from outside is refused, or is the one encoding of what it says.
func FuzzEnvelope(f *testing.F) {
	f.Add([]byte{})
	for _, kind := range []byte{kindDirect, kindGroup, kindKick, kindGroupKick} {
		e := envelope{kind: kind, origin: "L1", target: "room",
			message: NewMessage("t", []byte("payload"))}
		f.Add(e.encode())
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		e, err := decodeEnvelope(wire)
		if err != nil {
			return
		}
		if again := e.encode(); !bytes.Equal(again, wire) {
			t.Errorf("%q encodes as %q", wire, again)
		}
		if e.kicks() {
			_ = e.cause()
		}
	})
}
