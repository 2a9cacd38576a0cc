package consumer_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

func echo(ctx context.Context, conn *consumer.Conn, said said) error {
	return conn.SendValue(ctx, said)
}

// B2.14: what a consumer of values does with messages that are none.
func TestReceiveValues(t *testing.T) {
	for _, test := range []struct {
		name    string
		message parley.WebSocketSend
		code    parley.CloseCode // 0: goes on
		cause   error
	}{
		{"B2.14 value", parley.Text(`{"text":"a"}`), 0, nil},
		{"B2.14 bad JSON", parley.Text(`{`), 1007, parley.ErrInvalidPayload},
		{"B2.14 empty text", parley.Text(``), 1007, parley.ErrInvalidPayload},
		{"B2.14 wrong type", parley.Text(`{"text":1}`), 1007, parley.ErrInvalidPayload},
		{"B2.14 binary", parley.Binary([]byte(`{"text":"a"}`)), 1003, parley.ErrUnsupportedData},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &room{said: echo}
			app := consumer.New(r.factory, consumer.Receive((*room).Said))
			s := dial(t, app)
			s.Send(test.message)
			if test.code == 0 {
				if got := s.Receive().Text(); got != `{"text":"a"}` {
					t.Errorf("received %q", got)
				}
				return
			}
			code, _ := s.Closed()
			if err := s.Wait(); code != test.code || !errors.Is(err, test.cause) {
				t.Errorf("closed with %d, %v", code, err)
			}
			if got := app.Stats(); got.Refused != 1 || got.Received != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// B2.14: without the hook the answer is the same, and a clean end.
func TestRefusedWithoutHook(t *testing.T) {
	s := dial(t, consumer.New(func() *textOnly { return new(textOnly) }))
	s.Send(parley.Text("hello"))
	if got := s.Receive().Text(); got != "hello" {
		t.Errorf("received %q", got)
	}
	s.Send(parley.Binary([]byte("hello")))
	code, _ := s.Closed()
	if err := s.Wait(); code != 1003 || !errors.Is(err, parley.ErrUnsupportedData) || !errors.Is(err,
		parley.ErrDisconnected) {
		t.Errorf("closed with %d, %v", code, err)
	}
}

type textOnly struct{}

func (textOnly) ReceiveText(ctx context.Context, conn *consumer.Conn, text string) error {
	return conn.Send(ctx, parley.Text(text))
}

type binaryOnly struct{}

func (binaryOnly) ReceiveBinary(ctx context.Context, conn *consumer.Conn, data []byte) error {
	return conn.Send(ctx, parley.Binary(data))
}

func TestBinaryOnly(t *testing.T) {
	s := dial(t, consumer.New(func() binaryOnly { return binaryOnly{} }))
	s.Send(parley.Binary([]byte{1}))
	if got := s.Receive(); got.Type != parley.BinaryMessage || !bytes.Equal(got.Data, []byte{1}) {
		t.Errorf("received %+v", got)
	}
	s.Send(parley.Text("x"))
	if code, _ := s.Closed(); code != 1003 {
		t.Errorf("closed with %d", code)
	}
}

// B2.14: the consumer decides about what it cannot take.
func TestDecodeErrorHook(t *testing.T) {
	r := &room{said: echo}
	r.bad = func(ctx context.Context, conn *consumer.Conn, message parley.WebSocketReceive,
		_ error) error {
		return conn.Send(ctx, parley.Text("what is "+message.Text()+"?"))
	}
	s := dial(t, consumer.New(r.factory, consumer.Receive((*room).Said)))
	for _, bad := range []parley.WebSocketSend{parley.Text("x"), parley.Binary([]byte("x"))} {
		s.Send(bad)
		if got := s.Receive().Text(); got != "what is x?" {
			t.Errorf("received %q", got)
		}
	}
}

// B2.14: the codec is a seam.
func TestCodec(t *testing.T) {
	codec := consumer.Codec{
		Type: parley.BinaryMessage,
		Marshal: func(value any) ([]byte, error) {
			var out bytes.Buffer
			err := gob.NewEncoder(&out).Encode(value)
			return out.Bytes(), err
		},
		Unmarshal: func(data []byte,
			value any) error {
			return gob.NewDecoder(bytes.NewReader(data)).Decode(value)
		},
	}
	r := &room{said: echo}
	s := dial(t, consumer.New(r.factory, consumer.Receive((*room).Said),
		consumer.Options{Codec: codec}))
	data, err := codec.Marshal(said{"a"})
	if err != nil {
		t.Fatal(err)
	}
	s.Send(parley.Binary(data))
	if got := s.Receive(); got.Type != parley.BinaryMessage || !bytes.Equal(got.Data, data) {
		t.Errorf("received %+v", got)
	}
	s.Send(parley.Text("x"))
	if code, _ := s.Closed(); code != 1003 {
		t.Errorf("closed with %d", code)
	}
}

// FuzzReceive: whatever a client sends, it gets an echo or the code for it, and
// Disconnect is called.
func FuzzReceive(f *testing.F) {
	for _, seed := range []string{`{"text":"a"}`, `{`, ``, `null`, `[]`, `{"text":"\ud800"}`, "\xff",
		`{"text":"a"}{`} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		r := &room{said: echo}
		s := dial(t, consumer.New(r.factory, consumer.Receive((*room).Said)))
		message := parley.WebSocketSend{Data: data}
		if binary {
			message.Type = parley.BinaryMessage
		}
		s.Send(message)
		if _, echoed := s.ReceiveWithin(parleytest.Patience); echoed {
			s.Close(parley.CloseNormal, "")
		} else if code, _ := s.Closed(); code != 1007 && code != 1003 {
			t.Errorf("%q closed with %d", data, code)
		}
		s.Wait()
		if got := r.disconnects(); len(got) != 1 {
			t.Errorf("disconnected with %v", got)
		}
	})
}
