package consumer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/internal/testlog"
)

// board is a consumer of typed messages.
type board struct {
	ask func(ctx context.Context, conn *consumer.Conn, line said) (any, error)
}

func (b *board) line(ctx context.Context, conn *consumer.Conn, line said) error {
	return conn.SendText(ctx, "line "+line.Text)
}

func (b *board) asked(ctx context.Context, conn *consumer.Conn, line said) (any, error) {
	return b.ask(ctx, conn, line)
}

func (b *board) fail(context.Context, *consumer.Conn, said) error { return errTest }

func (b *board) sulk(context.Context, *consumer.Conn, said) error {
	return &consumer.Error{Code: "no", Message: "not today"}
}

func (b *board) app(options ...consumer.Option) *consumer.App {
	return consumer.New(func() *board { return b }, append(options,
		consumer.ReceiveType("line", (*board).line),
		consumer.ReceiveType("fail", (*board).fail),
		consumer.ReceiveType("sulk", (*board).sulk),
		consumer.AnswerType("ask", (*board).asked),
	)...)
}

// What becomes of a message that no request is: an answer, a close, or nothing.
func TestReceiveType(t *testing.T) {
	for _, test := range []struct {
		name, message string
		want          string           // the client is sent
		code          parley.CloseCode // 0: the connection goes on
		stats         consumer.Stats
	}{
		{name: "line", message: `{"type":"line","text":"a"}`, want: "line a"},
		{name: "other fields", message: `{"text":"a","x":[1],"type":"line"}`, want: "line a"},
		{name: "ping", message: `{"type":"parley.ping"}`, want: `{"type":"parley.pong"}`},
		{name: "long ping", message: ` {"type":"parley.ping", "n": 1}`, want: `{"type":"parley.pong"}`},
		{name: "error", message: `{"type":"fail"}`, code: 1011},
		{name: "refusal that nobody asked for", message: `{"type":"sulk"}`,
			stats: consumer.Stats{Failed: 1}},
		{name: "unknown", message: `{"type":"what"}`, stats: consumer.Stats{UnknownType: 1}},
		{name: "reserved", message: `{"type":"parley.reply","id":3}`,
			want: `{"type":"parley.reply","id":3,"error":{"code":"unknown_type",` +
				`"message":"nobody handles this type"}}`,
			stats: consumer.Stats{UnknownType: 1}},
		{name: "no JSON", message: `{`, code: 1007, stats: consumer.Stats{Refused: 1}},
		{name: "no JSON behind the type", message: `{"type":"line","text":"a"}}`, code: 1007,
			stats: consumer.Stats{Refused: 1}},
		{name: "unknown and no JSON", message: `{"type":"what","a":[}`, code: 1007,
			stats: consumer.Stats{Refused: 1}},
		{name: "ping and no JSON", message: `{"type":"parley.ping",`, code: 1007,
			stats: consumer.Stats{Refused: 1}},
		{name: "no object", message: `[]`, code: 1007, stats: consumer.Stats{Refused: 1}},
		{name: "no type", message: `{"text":"a"}`, code: 1007, stats: consumer.Stats{Refused: 1}},
		{name: "bad id", message: `{"type":"line","id":"a"}`, code: 1007,
			stats: consumer.Stats{Refused: 1}},
		{name: "misfit", message: `{"type":"line","text":1}`, code: 1007,
			stats: consumer.Stats{Refused: 1}},
		{name: "too deep", message: `{"type":"line","a":` + strings.Repeat("[", 1e5) +
			strings.Repeat("]", 1e5) + `}`, code: 1007, stats: consumer.Stats{Refused: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := new(board).app(consumer.Options{Logger: silent})
			s := dial(t, app)
			s.Accept()
			s.Send(parley.Text(test.message))
			if test.want != "" {
				if got := s.Receive().Text(); got != test.want {
					t.Errorf("received %s", got)
				}
			}
			if test.code == 0 {
				s.Send(parley.Text(`{"type":"line","text":"still there"}`))
				if got := s.Receive().Text(); got != "line still there" {
					t.Errorf("received %s", got)
				}
				s.Close(parley.CloseNormal, "")
			} else if code, _ := s.Closed(); code != test.code {
				t.Errorf("closed with %d, want %d", code, test.code)
			}
			s.Wait()
			got := app.Stats()
			got.Opened, got.Received, got.Requests = 0, 0, 0
			if got != test.stats {
				t.Errorf("%+v, want %+v", got, test.stats)
			}
		})
	}
}

// What a type without a handler costs is the app's to say.
func TestUnknownType(t *testing.T) {
	for policy, test := range map[consumer.UnknownPolicy]struct {
		messages, lines int
		code            parley.CloseCode
	}{
		consumer.UnknownIgnore: {3, 1, 1000}, consumer.UnknownLog: {3, 3, 1000},
		consumer.UnknownClose: {1, 0, 1008},
	} {
		synctest.Test(t, func(t *testing.T) {
			log := new(testlog.Lines)
			s := dial(t, new(board).app(consumer.Options{Logger: log.Logger(), UnknownType: policy}))
			s.Accept()
			long := `{"type":"` + strings.Repeat("x", 5000) + `"}`
			for range test.messages {
				s.Send(parley.Text(long))
			}
			synctest.Wait()
			s.Close(parley.CloseNormal, "")
			err := s.Wait()
			if code := parley.CodeOf(err); code != test.code ||
				(code == 1008) != errors.Is(err, consumer.ErrUnknownType) {
				t.Errorf("policy %d: ended with %v", policy, err)
			}
			if log.Len() != test.lines || len(log.String()) > 300*test.lines {
				t.Errorf("policy %d: logged %s", policy, log)
			}
		})
	}
}

// Boards with a hook beside their handlers.
type (
	boardWithBinary struct{}
	boardWithText   struct{}
	boardWithAll    struct{}
	boardThatGoesOn struct{}
)

func (boardWithBinary) ReceiveBinary(ctx context.Context, conn *consumer.Conn, data []byte) error {
	return conn.SendText(ctx, fmt.Sprint(len(data), " bytes"))
}

func (boardWithText) ReceiveText(context.Context, *consumer.Conn, string) error { return nil }

func (boardWithAll) Receive(context.Context, *consumer.Conn, parley.WebSocketReceive) error {
	return nil
}

func (boardThatGoesOn) DecodeError(ctx context.Context, conn *consumer.Conn,
	message parley.WebSocketReceive, err error) error {
	if errors.Is(err, parley.ErrInvalidPayload) == (message.Type == parley.BinaryMessage) {
		return err
	}
	return conn.SendText(ctx, "what?")
}

func boardLine(b any, ctx context.Context, conn *consumer.Conn, line said) error {
	return conn.SendText(ctx, "line "+line.Text)
}

// Binary messages are none of the wire's: a hook may have them.
func TestReceiveTypeBinary(t *testing.T) {
	line := consumer.ReceiveType("line", boardLine)
	s := dial(t, consumer.New(func() boardWithBinary { return boardWithBinary{} }, line))
	s.Send(parley.Binary([]byte("abc")))
	s.Send(parley.Text(`{"type":"line","text":"a"}`))
	if got := s.Receive().Text() + ", " + s.Receive().Text(); got != "3 bytes, line a" {
		t.Errorf("received %s", got)
	}
	s = dial(t, new(board).app())
	s.Send(parley.Binary([]byte(`{"type":"line"}`)))
	if code, _ := s.Closed(); code != 1003 {
		t.Errorf("closed with %d", code)
	}
	s = dial(t, consumer.New(func() boardThatGoesOn { return boardThatGoesOn{} }, line))
	for _, bad := range []parley.WebSocketSend{
		parley.Binary(nil), parley.Text(`{`), parley.Text(`{}`), parley.Text(`{"type":"line","text":1}`),
		parley.Text(`{"type":"line","id":0}`), parley.Text(`{"type":"what",}`),
	} {
		s.Send(bad)
		if got := s.Receive().Text(); got != "what?" {
			t.Errorf("%s: received %s", bad.Data, got)
		}
	}
}

// A ping is answered by consumers of all kinds but those that take text as it is.
func TestPing(t *testing.T) {
	const ping = `{"type":"parley.ping"}`
	r := &room{said: func(context.Context, *consumer.Conn, said) error { return errTest }}
	for name, test := range map[string]struct {
		app  *consumer.App
		want string
	}{
		"types":  {new(board).app(), `{"type":"parley.pong"}`},
		"values": {consumer.New(r.factory, consumer.Receive((*room).Said)), `{"type":"parley.pong"}`},
		"none":   {consumer.New(func() *int { return new(int) }), `{"type":"parley.pong"}`},
		"binary": {consumer.New(func() binaryOnly { return binaryOnly{} }), `{"type":"parley.pong"}`},
		"text":   {consumer.New(func() textOnly { return textOnly{} }), ping},
	} {
		s := dial(t, test.app)
		s.Send(parley.Text(ping))
		if got := s.Receive().Text(); got != test.want {
			t.Errorf("%s: received %s", name, got)
		}
		s.Close(parley.CloseNormal, "")
		s.Wait()
		if got := test.app.Stats(); got.Received != 1 || got.Ignored+got.Refused+got.UnknownType != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// With several messages at a time a pong does not wait for handlers.
func TestPingBesideHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &board{ask: func(ctx context.Context, _ *consumer.Conn, _ said) (any, error) {
			<-ctx.Done()
			return nil, nil
		}}
		s := dial(t, b.app(consumer.Options{Concurrency: 2, RequestTimeout: -1}))
		for range 5 {
			s.Send(parley.Text(`{"type":"ask"}`))
		}
		synctest.Wait()
		s.Send(parley.Text(`{"type":"parley.ping"}`))
		if got := s.Receive().Text(); got != `{"type":"parley.pong"}` {
			t.Errorf("received %s", got)
		}
	})
}

// Mistakes in the wiring of types.
func TestTypeMistakes(t *testing.T) {
	line := consumer.ReceiveType("line", (*board).line)
	newBoard := func() *board { return nil }
	for _, test := range []struct {
		mistake string
		make    func()
		words   []string
	}{
		{"nil ReceiveType", func() { consumer.ReceiveType[*board, said]("a", nil) },
			[]string{"ReceiveType of a nil"}},
		{"nil AnswerType", func() { consumer.AnswerType[*board, said, int]("a", nil) },
			[]string{"AnswerType of a nil"}},
		{"no type", func() { consumer.ReceiveType("", (*board).line) }, []string{`ReceiveType("")`}},
		{"bad type", func() { consumer.AnswerType("a b", (*board).asked) },
			[]string{`AnswerType("a b")`}},
		{"reserved type", func() { consumer.ReceiveType("parley.ping", (*board).line) },
			[]string{`ReceiveType("parley.ping")`, "reserved"}},
		{"a string for an object", func() { consumer.ReceiveType("a", takes[string]) },
			[]string{"no JSON object", "string"}},
		{"a list for an object", func() { consumer.ReceiveType("a", takes[*[]int]) },
			[]string{"no JSON object", "[]int"}},
		{"twice", func() { consumer.New(newBoard, line, consumer.AnswerType("line", (*board).asked)) },
			[]string{"two handlers", "line"}},
		{"stranger", func() { consumer.New(func() *int { return nil }, line) },
			[]string{`ReceiveType("line")`, "not of *int"}},
		{"pointer for a value", func() { consumer.New(func() board { return board{} }, line) },
			[]string{"of *consumer_test.board, not of consumer_test.board"}},
		{"Receive beside it", func() {
			consumer.New(newBoard, line, consumer.Receive((*board).line))
		}, []string{"Receive", "never"}},
		{"hook Receive", misfitBeside[boardWithAll], []string{"boardWithAll", "hook Receive "}},
		{"hook ReceiveText", misfitBeside[boardWithText], []string{"hook ReceiveText"}},
		{"binary codec", func() {
			consumer.New(newBoard, line, consumer.Options{Codec: consumer.Codec{Type: parley.BinaryMessage}})
		}, []string{"Codec"}},
		{"policy", func() { consumer.New(newBoard, line, consumer.Options{UnknownType: 9}) },
			[]string{"Options.UnknownType", "9"}},
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
	got := dial(t, consumer.New(func() any { return boardWithText{} },
		consumer.ReceiveType("line", boardLine))).Denial()
	if got.Status != 500 || got.Err == nil || !strings.Contains(got.Err.Error(), "hook ReceiveText") {
		t.Errorf("behind an interface: %+v", got)
	}
}

func misfitBeside[C any]() {
	consumer.New(func() (c C) { return c }, consumer.ReceiveType("line", boardLine))
}

func takes[T any](any, context.Context, *consumer.Conn, T) error { return nil }

// What objects fit into.
func TestTypesOfValues(t *testing.T) {
	for _, option := range []consumer.Option{
		consumer.ReceiveType("a", takes[said]), consumer.ReceiveType("b", takes[*said]),
		consumer.ReceiveType("c", takes[map[string]any]), consumer.ReceiveType("d", takes[any]),
		consumer.ReceiveType("e", takes[json.RawMessage]), consumer.ReceiveType("f", takes[struct{}]),
	} {
		s := dial(t, consumer.New(func() *int { return new(int) }, option,
			consumer.Options{Logger: silent}))
		s.Accept()
		for _, typ := range []string{"a", "b", "c", "d", "e", "f"} {
			s.Send(parley.Text(`{"type":"` + typ + `","text":"x"}`))
		}
		s.Close(parley.CloseNormal, "")
		if err := s.Wait(); parley.CodeOf(err) != parley.CloseNormal {
			t.Error(err)
		}
	}
}
