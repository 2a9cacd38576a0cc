package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

type stranger struct{}

func (*stranger) Heard(context.Context, *consumer.Conn, said) error { return nil }

// Consumers that miss a hook by a hair.
type (
	oldConnect  struct{}
	onlyError   struct{}
	opensNaked  struct{}
	receivesAny struct{}
	textAsBytes struct{}
	bytesAsText struct{}
	decodes     struct{}
	disconnects struct{}
	onPointer   struct{}
	inside      struct{ *onlyError }
	anyConnect  interface{ Connect() error }
)

func (*oldConnect) Connect(context.Context, *consumer.Conn) (any, error)         { return nil, nil }
func (*onlyError) Connect(context.Context, *consumer.Conn) error                 { return errTest }
func (*opensNaked) Open(context.Context) error                                   { return nil }
func (*receivesAny) Receive(context.Context, *consumer.Conn, said) error         { return nil }
func (*textAsBytes) ReceiveText(context.Context, *consumer.Conn, []byte) error   { return nil }
func (*bytesAsText) ReceiveBinary(context.Context, *consumer.Conn, string) error { return nil }
func (*decodes) DecodeError(context.Context, *consumer.Conn, error) error        { return nil }
func (*disconnects) Disconnect(context.Context, *consumer.Conn) error            { return nil }
func (*onPointer) Connect(context.Context, *consumer.Conn) (consumer.Answer, error) {
	return accept, nil
}
func (*onPointer) Receive(context.Context, *consumer.Conn,
	parley.WebSocketReceive) error {
	return nil
}

// Mistakes in the wiring panic at start-up, and say what they are.
func TestWiringMistakes(t *testing.T) {
	layer := newLayer(t)
	newRoom := (&room{}).factory
	with := consumer.Options{Layer: layer}
	wrong := func(options consumer.Options) func() { return func() { consumer.New(newRoom, options) } }
	for _, test := range []struct {
		mistake string
		make    func()
		words   []string
	}{
		{"nil constructor", func() { consumer.New[int](nil) }, []string{"nil constructor"}},
		{"nil option", func() { consumer.New(newRoom, nil) }, []string{"nil"}},
		{"two Options", func() { consumer.New(newRoom, with, consumer.Options{}) },
			[]string{"two Options"}},
		{"stranger", func() { consumer.New(newRoom, with, consumer.On("a", (*stranger).Heard)) },
			[]string{`On("a")`, "not of *consumer"}},
		{"two for a type",
			func() { consumer.New(newRoom, with, consumer.Forward("a"), consumer.On("a", (*room).Heard)) },
			[]string{"two handlers for a"}},
		{"two for the client",
			func() { consumer.New(newRoom, consumer.Receive((*room).Said), consumer.Receive((*room).Said)) },
			[]string{"two handlers made by Receive"}},
		{"handler without a layer", func() { consumer.New(newRoom, consumer.Forward("a")) },
			[]string{"without Options.Layer"}},
		{"bad type", func() { consumer.Forward("a b") }, []string{`Forward("a b")`}},
		{"no type", func() { consumer.On("", (*room).Heard) }, []string{`On("")`}},
		{"nil On", func() { consumer.On[*room, said]("a", nil) }, []string{"On of a nil"}},
		{"nil Receive", func() { consumer.Receive[*room, said](nil) }, []string{"Receive of a nil"}},

		{"groups alone", wrong(consumer.Options{Groups: []channel.Group{"a"}}),
			[]string{"Options.Groups"}},
		{"bad group", wrong(consumer.Options{Layer: layer, Groups: []channel.Group{"a b"}}),
			[]string{"Options.Groups", `"a b"`}},
		{"concurrency", wrong(consumer.Options{Concurrency: -1}), []string{"Options.Concurrency",
			"negative"}},
		{"policy", wrong(consumer.Options{Policy: 99}), []string{"Options.Policy", "99"}},
		{"unknown policy", wrong(consumer.Options{Unknown: 99}), []string{"Options.Unknown", "99"}},

		{"Connect of old", misfit[*oldConnect], []string{"Connect", "must be",
			"(consumer.Answer, error)"}},
		{"Connect", misfit[*onlyError], []string{"*consumer_test.onlyError", "Connect", "must be"}},
		{"Connect of an embedded value", misfit[inside], []string{"Connect", "must be"}},
		{"Connect of an interface", misfit[anyConnect], []string{"Connect", "is func() error"}},
		{"Open", misfit[*opensNaked], []string{"Open", "is func(context.Context) error"}},
		{"Receive", misfit[*receivesAny], []string{"Receive", "parley.WebSocketReceive", "another name"}},
		{"ReceiveText", misfit[*textAsBytes], []string{"ReceiveText", "string"}},
		{"ReceiveBinary", misfit[*bytesAsText], []string{"ReceiveBinary", "[]uint8"}},
		{"DecodeError", misfit[*decodes], []string{"DecodeError", "must be"}},
		{"Disconnect", misfit[*disconnects], []string{"Disconnect", "must be"}},
		{"hooks on the pointer", misfit[onPointer], []string{"Connect", "*consumer_test.onPointer",
			"pointer"}},
		{"misfit on the pointer", misfit[onlyError], []string{"Connect", "pointer"}},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				for _, word := range append(test.words, "consumer: ") {
					if !strings.Contains(got, word) {
						t.Errorf("panicked with %q, want %q", got, word)
					}
				}
			}()
			test.make()
		})
	}
}

func misfit[C any]() { consumer.New(func() (c C) { return c }) }

// What New cannot see of a constructor that returns an interface is seen at the
// first client, which is not let in.
func TestMisfitBehindInterface(t *testing.T) {
	for name, factory := range map[string]func() any{
		"misfit": func() any { return new(onlyError) },
		"nil":    func() any { return nil },
	} {
		got := dial(t, consumer.New(factory)).Denial()
		if got.Status != 500 || got.Err == nil || !strings.HasPrefix(got.Err.Error(), "consumer: ") {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if dial(t, consumer.New(func() any { return new(onPointer) })).Accepted() != true {
		t.Error("a value that fits is not let in")
	}
}

// Whoever decides nothing lets nobody in, and the log says what to return.
func TestUndecided(t *testing.T) {
	r := &room{connect: func(context.Context, *consumer.Conn) (consumer.Answer, error) {
		return consumer.Answer{}, nil
	}}
	got := dial(t, consumer.New(r.factory)).Denial()
	if got.Status != 500 || !errors.Is(got.Err, parley.ErrNotAnswered) {
		t.Errorf("%+v", got)
	}
	for _, word := range []string{"Connect", "consumer.Accept", "consumer.Deny"} {
		if !strings.Contains(got.Err.Error(), word) {
			t.Errorf("%q does not say %q", got.Err, word)
		}
	}
	if causes := r.disconnects(); len(causes) != 1 || !errors.Is(causes[0], parley.ErrNotAnswered) {
		t.Errorf("disconnected with %v", causes)
	}
}
