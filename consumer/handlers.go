package consumer

import (
	"context"
	"fmt"
	"reflect"
	"strconv"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/channel"
)

// handler is what Receive, ReceiveType, AnswerType, On and Forward make.
type handler struct {
	what  string       // for panics: `On("room.line")`
	typ   string       // of messages, "" for Receive
	owner reflect.Type // of the consumer it is a method of, nil for Forward

	layer  layerHandler
	client clientHandler
	typed  typedHandler // if not nil the messages are the client's
}

// layerHandler handles one type of layer messages: nil forwards them.
type layerHandler func(ctx context.Context, conn *Conn, message channel.Message) error

// clientHandler handles the client's messages, decoded.
type clientHandler func(ctx context.Context, conn *Conn, data []byte) error

// Receive makes a handler of the client's messages, decoded with Options.Codec.
// It goes before the hooks of Receiver and its kin. C is the consumer, so that a
// method expression fits:
//
//	consumer.Receive((*Room).Said) // func (r *Room) Said(ctx, conn, said Said) error
//
// A message that cannot be decoded, or is of the other kind than the codec's,
// goes to DecodeErrorHandler. ReceiveType makes handlers for messages of several types.
func Receive[C, T any](
	handle func(consumer C, ctx context.Context, conn *Conn, value T) error,
) Option {
	if handle == nil {
		panic("consumer: Receive of a nil handler")
	}
	client := func(ctx context.Context, conn *Conn, data []byte) error {
		var value T
		if err := conn.app.options.Codec.Unmarshal(data, &value); err != nil {
			return &undecodable{err}
		}
		return handle(conn.value.(C), ctx, conn, value)
	}
	return handler{what: "Receive", owner: typeOf[C](), client: client}
}

// On makes a handler of the layer's messages of one type, decoded with
// Options.Codec, or as they are where T is channel.Message. Types of layer
// messages are a namespace of their own: whatever a message is called, it can
// never pass for an event of the connection.
//
// Handlers run one at a time with those of the client's messages. A message that
// cannot be decoded is dealt with as one without a handler; see UnknownPolicy.
// On panics if typ breaks the rules of channel.Message types.
func On[C, T any](
	typ string, handle func(consumer C, ctx context.Context, conn *Conn, value T) error,
) Option {
	checkType("On", typ)
	if handle == nil {
		panic("consumer: On of a nil handler")
	}
	layer := func(ctx context.Context, conn *Conn, message channel.Message) error {
		var value T
		if whole, ok := any(&value).(*channel.Message); ok {
			*whole = message
		} else if err := conn.app.options.Codec.Unmarshal(message.Payload(), &value); err != nil {
			return &undecodable{err}
		}
		return handle(conn.value.(C), ctx, conn, value)
	}
	return handler{what: "On(" + strconv.Quote(typ) + ")", typ: typ, owner: typeOf[C](), layer: layer}
}

// Forward has the layer's messages of these types sent to the client as they
// are. Where the conn is a parley.Offerer the connection needs no goroutine for it,
// and one encoded frame serves all members: they are offered it on the goroutine of
// whoever sends to the group, and in a large group their sockets write by themselves
// what was sent to it. Only while a message waits to be handled do forwarded ones wait
// behind it, so that each sender's order is kept.
//
// Forward panics if a type breaks the rules of channel.Message types.
func Forward(types ...string) Option {
	list := make(forwards, len(types))
	for i, typ := range types {
		checkType("Forward", typ)
		list[i] = handler{what: "Forward(" + strconv.Quote(typ) + ")", typ: typ}
	}
	return list
}

type forwards []handler

func (f forwards) configure(c *config) { c.handlers = append(c.handlers, f...) }

func checkType(what, typ string) {
	if _, err := channel.ParseGroup(typ); err != nil { // the same rules
		panic(fmt.Sprintf("consumer: %s(%.120q): message types hold 1 to %d ASCII letters, "+
			"digits, '-', '_' and '.'", what, typ, channel.MaxName))
	}
}

// undecodable is what the codec says of bytes that it cannot decode.
type undecodable struct{ err error }

func (e *undecodable) Error() string {
	return "consumer: message cannot be decoded: " + e.err.Error()
}

// Unwrap makes the error one that closes with 1007.
func (e *undecodable) Unwrap() []error { return []error{parley.ErrInvalidPayload, e.err} }
