package consumer

import (
	"context"
	"fmt"
	"reflect"

	"github.com/parleygo/parley"
)

// hooks are all there are. A method that is called like one and is none would be
// skipped in silence, and a Connect that is skipped lets everybody in.
//
// The names are constants where reflect is asked, so that the linker may go on
// dropping methods that nobody calls.
var hooks = []struct {
	name  string
	hook  reflect.Type
	shape reflect.Type
	find  func(reflect.Type) (reflect.Method, bool)
}{
	{"Connect", typeOf[Connector](), typeOf[func(context.Context, *Conn) (Answer, error)](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Connect") }},
	{"Open", typeOf[Opener](), typeOf[func(context.Context, *Conn) error](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Open") }},
	{"Receive", typeOf[Receiver](),
		typeOf[func(context.Context, *Conn, parley.WebSocketReceive) error](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Receive") }},
	{"ReceiveText", typeOf[TextReceiver](), typeOf[func(context.Context, *Conn, string) error](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("ReceiveText") }},
	{"ReceiveBinary", typeOf[BinaryReceiver](), typeOf[func(context.Context, *Conn, []byte) error](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("ReceiveBinary") }},
	{"DecodeError", typeOf[DecodeErrorHandler](),
		typeOf[func(context.Context, *Conn, parley.WebSocketReceive, error) error](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("DecodeError") }},
	{"Disconnect", typeOf[Disconnecter](), typeOf[func(context.Context, *Conn, error)](),
		func(t reflect.Type) (reflect.Method, bool) { return t.MethodByName("Disconnect") }},
}

// fits says what is wrong with a consumer's methods that are called like hooks,
// or "". Of a constructor that returns an interface New sees no more than that;
// the values are looked at one by one.
func fits(consumer reflect.Type) string {
	for _, h := range hooks {
		if consumer.Implements(h.hook) {
			continue
		}
		if method, found := h.find(consumer); found {
			return fmt.Sprintf("%v has a method %s that is no hook: it is %v and must be %v, "+
				"or have another name", consumer, h.name, shape(consumer, method), h.shape)
		}
		if consumer.Kind() == reflect.Interface || consumer.Kind() == reflect.Pointer {
			continue
		}
		if _, found := h.find(reflect.PointerTo(consumer)); found {
			return fmt.Sprintf("%s is a method of *%v, and the constructor returns a %[2]v: "+
				"have it return a pointer", h.name, consumer)
		}
	}
	return ""
}

// shape returns the type of a method without its receiver.
func shape(consumer reflect.Type, method reflect.Method) reflect.Type {
	if consumer.Kind() == reflect.Interface {
		return method.Type
	}
	var in, out []reflect.Type
	for i := 1; i < method.Type.NumIn(); i++ {
		in = append(in, method.Type.In(i))
	}
	for i := range method.Type.NumOut() {
		out = append(out, method.Type.Out(i))
	}
	return reflect.FuncOf(in, out, method.Type.IsVariadic())
}
