package consumer

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/parleygo/parley"
)

// typedHandler handles the client's messages of one type. Its result is for a client
// that asks for an answer.
type typedHandler func(ctx context.Context, conn *Conn, data []byte) (result any, err error)

// ReceiveType makes a handler of the client's messages of one type. They are JSON
// objects in text messages, with a field "type", and are decoded into a T whole, with
// Options.Codec, which must be one for JSON:
//
//	consumer.ReceiveType("line", (*Room).Line) // {"type":"line","text":"hello"}
//
// A message with a field "id", a positive integer, asks for an answer, which says when
// it has been handled, or why not; see AnswerType, and the table in the
// package's description. Without one an error ends the connection, as that of any handler does,
// except for an *Error, which has nobody to tell.
//
// Messages that are no such objects, or cannot be decoded, go to DecodeErrorHandler;
// those of a type without a handler are for Options.UnknownType. A type is used by one
// handler, and is named as those of the layer are. Types that begin with "parley."
// are reserved. ReceiveType panics if typ breaks these rules, and if T is of a kind
// that no JSON object fits.
func ReceiveType[C, T any](
	typ string, handle func(consumer C, ctx context.Context, conn *Conn, value T) error,
) Option {
	if handle == nil {
		panic("consumer: ReceiveType of a nil handler")
	}
	return typed("ReceiveType", typ,
		func(consumer C, ctx context.Context, conn *Conn, value T) (any, error) {
			return nil, handle(consumer, ctx, conn, value)
		})
}

// AnswerType is ReceiveType for messages that ask for something: what handle returns
// is the answer, encoded with Options.Codec.
//
//	consumer.AnswerType("history", (*Room).History) // {"type":"history","id":7,"count":10}
//
// Of a message without an id the result goes nowhere.
func AnswerType[C, T, R any](
	typ string, handle func(consumer C, ctx context.Context, conn *Conn, value T) (R, error),
) Option {
	if handle == nil {
		panic("consumer: AnswerType of a nil handler")
	}
	return typed("AnswerType", typ,
		func(consumer C, ctx context.Context, conn *Conn, value T) (any, error) {
			return handle(consumer, ctx, conn, value)
		})
}

func typed[C, T any](
	maker, typ string, handle func(consumer C, ctx context.Context, conn *Conn, value T) (any, error),
) Option {
	checkType(maker, typ)
	what := maker + "(" + strconv.Quote(typ) + ")"
	switch {
	case strings.HasPrefix(typ, reserved):
		panic("consumer: " + what + `: types that begin with "parley." are reserved`)
	case !holdsObject(typeOf[T]()):
		panic(fmt.Sprintf("consumer: %s: no JSON object can be decoded into a %v", what, typeOf[T]()))
	}
	return handler{what: what, typ: typ, owner: typeOf[C](),
		typed: func(ctx context.Context, conn *Conn, data []byte) (any, error) {
			var value T
			if err := conn.app.options.Codec.Unmarshal(data, &value); err != nil {
				return nil, &undecodable{err}
			}
			return handle(conn.value.(C), ctx, conn, value)
		}}
}

const reserved = "parley."

// holdsObject reports whether a JSON object may fit into a value of t.
func holdsObject(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(typeOf[json.Unmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.Pointer:
		return holdsObject(t.Elem())
	case reflect.Struct, reflect.Map, reflect.Interface:
		return true
	}
	return false
}

// addTyped panics where two handlers would get the same messages.
func (c *config) addTyped(h handler) {
	if _, twice := c.types[h.typ]; twice {
		panic("consumer: New: two handlers for the client's messages of type " + h.typ)
	}
	if c.types == nil {
		c.types = make(map[string]typedHandler)
	}
	c.types[h.typ] = h.typed
}

// misfit says what is wrong with a consumer's methods, or "": what fits says, and hooks
// that handlers by type would leave without a message.
func (c *config) misfit(consumer reflect.Type) string {
	if misfit := fits(consumer); misfit != "" || c.types == nil {
		return misfit
	}
	hook := ""
	switch {
	case c.client != nil:
		hook = "a handler made by Receive"
	case consumer.Implements(typeOf[Receiver]()):
		hook = "a hook Receive"
	case consumer.Implements(typeOf[TextReceiver]()):
		hook = "a hook ReceiveText"
	case c.options.Codec.Type != parley.TextMessage:
		return "handlers made by ReceiveType need a Codec of text messages"
	default:
		return ""
	}
	return fmt.Sprintf("%v has %s beside handlers made by ReceiveType, which get all text: "+
		"it would be called never", consumer, hook)
}
