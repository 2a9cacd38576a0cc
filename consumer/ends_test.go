package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// ways are those in which user code can end.
var ways = map[string]struct {
	end  func() error
	want error
}{
	"return":           {func() error { return nil }, nil},
	"error":            {func() error { return errTest }, errTest},
	"nil pointer":      {func() error { return (*net.OpError)(nil) }, parley.ErrAppPanic},
	"panic":            {func() error { panic("ouch") }, parley.ErrAppPanic},
	"panic with error": {func() error { panic(errTest) }, errTest},
	"exit":             {func() error { runtime.Goexit(); return nil }, parley.ErrGoexit},
}

// userFunction is one that the kit calls for a client.
type userFunction struct {
	name   string
	mute   bool                                     // its error goes nowhere
	act    func(*parleytest.Socket, *channel.Layer) // has it called
	make   func(f *fragile, options ...consumer.Option) *consumer.App
	values bool // the client's messages are decoded
}

// functions are all there are.
var functions = []userFunction{
	{name: "constructor", mute: true},
	{name: "Connect"},
	{name: "Open"},
	{name: "Receive", act: says("{}")},
	{name: "ReceiveText", act: says("{}"), make: newHalves},
	{name: "ReceiveBinary", act: saysBinary, make: newHalves},
	{name: "handler", act: says("{}"), values: true},
	{name: "typed", act: says(`{"type":"typed"}`), make: newTyped},
	{name: "Unmarshal", mute: true, act: says(`{"type":"typed"}`), make: newTyped},
	{name: "DecodeError", act: says("{"), values: true},
	{name: "Unmarshal", mute: true, act: says("{}"), values: true},
	{name: "Unmarshal", mute: true, act: hears},
	{name: "On", act: hears},
	{name: "Marshal", act: hears},
	{name: "Key", mute: true, act: hears},
	{name: "OrderBy", mute: true, act: says("{}")},
	{name: "Disconnect", mute: true},
}

func says(text string) func(*parleytest.Socket, *channel.Layer) {
	return func(s *parleytest.Socket, _ *channel.Layer) { s.Send(parley.Text(text)) }
}

func saysBinary(s *parleytest.Socket, _ *channel.Layer) { s.Send(parley.Binary(nil)) }

// hears has somebody speak to the group, who may be lost for it.
func hears(_ *parleytest.Socket, layer *channel.Layer) {
	go func() {
		message := channel.NewMessage("line", []byte("{}"))
		_, _ = layer.GroupSend(context.Background(), "lobby", message)
	}()
}

// fragile is a consumer one function of which ends as the test wants it to.
type fragile struct {
	in func(function string) error

	mu     sync.Mutex
	causes []error
}

func newFragile(f *fragile, options ...consumer.Option) *consumer.App {
	return consumer.New(func() *fragile { _ = f.in("constructor"); return f }, options...)
}

func (f *fragile) Connect(context.Context, *consumer.Conn) (consumer.Answer, error) {
	return accept, f.in("Connect")
}

func (f *fragile) Open(context.Context, *consumer.Conn) error { return f.in("Open") }

func (f *fragile) Receive(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
	return f.in("Receive")
}

func (f *fragile) said(context.Context, *consumer.Conn, said) error { return f.in("handler") }

func (f *fragile) DecodeError(
	context.Context, *consumer.Conn, parley.WebSocketReceive, error,
) error {
	return f.in("DecodeError")
}

func (f *fragile) Disconnect(_ context.Context, _ *consumer.Conn, cause error) {
	f.mu.Lock()
	f.causes = append(f.causes, cause)
	f.mu.Unlock()
	_ = f.in("Disconnect")
}

func (f *fragile) heard(ctx context.Context, conn *consumer.Conn) error {
	if err := f.in("On"); err != nil {
		return err
	}
	return conn.SendValue(ctx, said{})
}

func (f *fragile) options() consumer.Options {
	return consumer.Options{
		Groups: []channel.Group{"lobby"}, Logger: silent,
		Policy: channel.Coalesce, Key: func(channel.Message) string { _ = f.in("Key"); return "" },
		OrderBy: func(parley.WebSocketReceive) string { _ = f.in("OrderBy"); return "" },
		Codec: consumer.Codec{
			Marshal: func(any) ([]byte, error) { return nil, f.in("Marshal") },
			Unmarshal: func(data []byte, value any) error {
				return errors.Join(f.in("Unmarshal"), json.Unmarshal(data, value))
			},
		},
	}
}

// halves take text and binary messages apart.
type halves struct{ f *fragile }

func newHalves(f *fragile, options ...consumer.Option) *consumer.App {
	return consumer.New(func() halves { return halves{f} }, options...)
}

func (h halves) Disconnect(ctx context.Context, conn *consumer.Conn, cause error) {
	h.f.Disconnect(ctx, conn, cause)
}

func (h halves) ReceiveText(context.Context, *consumer.Conn, string) error {
	return h.f.in("ReceiveText")
}

func (h halves) ReceiveBinary(context.Context, *consumer.Conn, []byte) error {
	return h.f.in("ReceiveBinary")
}

// byType takes messages by their type.
type byType struct{ f *fragile }

func newTyped(f *fragile, options ...consumer.Option) *consumer.App {
	return consumer.New(func() byType { return byType{f} },
		append(options, consumer.ReceiveType("typed", byType.typed))...)
}

func (b byType) typed(context.Context, *consumer.Conn, said) error { return b.f.in("typed") }

func (b byType) Disconnect(ctx context.Context, conn *consumer.Conn, cause error) {
	b.f.Disconnect(ctx, conn, cause)
}

// However user code ends, wherever: Serve returns, Disconnect is called once with
// the cause, the groups are left and the counters fall back.
func TestEnds(t *testing.T) {
	for kind, options := range map[string]consumer.Options{
		"goroutines": {},
		"executor":   {Executor: &apart{}},
		"concurrent": {Concurrency: 2},
		"both":       {Concurrency: 2, Executor: &apart{}},
	} {
		for _, function := range functions {
			if function.name == "OrderBy" && options.Concurrency == 0 {
				continue
			}
			for how := range ways {
				if function.mute && how == "nil pointer" {
					continue // nobody looks at it, or the function returns none
				}
				t.Run(kind+"/"+function.name+"/"+how, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { function.endsBy(t, how, options) })
				})
			}
		}
	}
}

func (u userFunction) endsBy(t *testing.T, how string, options consumer.Options) {
	way, called := ways[how], false
	f := &fragile{in: func(here string) error {
		if here != u.name {
			return nil
		}
		called = true
		return way.end()
	}}
	layer := newLayer(t)
	app := u.app(f, layer, options)
	s := dial(t, app)
	accepted := s.Accepted()
	synctest.Wait()
	if u.act != nil {
		u.act(s, layer)
		synctest.Wait()
	}
	goesOn := way.want == nil || u.mute && how == "error"
	if accepted && (goesOn || u.name == "Disconnect") {
		s.Close(parley.CloseNormal, "")
	}
	s.Wait()

	if !called {
		t.Error("was not called")
	}
	if got := app.Stats(); got.Connections != 0 || got.Opened != 1 {
		t.Errorf("%+v", got)
	}
	if got := layer.Stats(); got.Inboxes != 0 || got.Members != 0 {
		t.Errorf("%+v", got)
	}
	switch {
	case u.name == "constructor" && !goesOn:
		if len(f.causes) != 0 {
			t.Errorf("a value that was never made was told %v", f.causes)
		}
	case len(f.causes) != 1:
		t.Errorf("disconnected with %v", f.causes)
	case goesOn || u.name == "Disconnect":
		if !errors.As(f.causes[0], new(*parley.CloseError)) {
			t.Errorf("cause %v, want the peer's goodbye", f.causes[0])
		}
	case !errors.Is(f.causes[0], way.want):
		t.Errorf("cause %v, want %v", f.causes[0], way.want)
	}
}

func (u userFunction) app(f *fragile, layer *channel.Layer,
	options consumer.Options) *consumer.App {
	all := f.options()
	all.Layer, all.Concurrency, all.Executor = layer, options.Concurrency, options.Executor
	heard := func(_ any, ctx context.Context, conn *consumer.Conn, _ said) error {
		return f.heard(ctx, conn)
	}
	list := []consumer.Option{all, consumer.On("line", heard)}
	if u.values {
		list = append(list, consumer.Receive((*fragile).said))
	}
	if u.make == nil {
		return newFragile(f, list...)
	}
	return u.make(f, list...)
}
