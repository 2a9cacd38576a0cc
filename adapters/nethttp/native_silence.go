package nethttp

import (
	"context"
	"net/http"
	"reflect"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/protocol"
)

// A handler that was given the server's own writer and returns without a word has said
// 200. Where it has returned since the gateway ended its context, by a drain or with a
// login, that is not what it means: the client hears what the end stands for.

// breakSilence answers for such a handler.
func (c *httpConn) breakSilence() {
	cause := c.ctx.cause()
	// Where End has cut its reading, net/http takes the client for gone.
	gone := c.r.Context().Err() != nil && cause != parley.ErrDraining && !c.limited.Load()
	if status := protocol.Status(cause); cause != nil && !gone && ours(status) && silent(c.w) {
		c.answered = true
		if c.limited.Load() && c.hasBody() && c.r.ProtoMajor == 1 {
			c.w.Header().Set("Connection", "close") // a later request would find the client gone
		}
		answer(c.w, status)
	}
}

// breakSilence answers a handshake that a handler was to upgrade by itself.
func (c *webSocketConn) breakSilence() {
	status := protocol.Status(context.Cause(&c.life))
	if c.life.Err() == nil || !ours(status) {
		return
	}
	c.write(func(w http.ResponseWriter) {
		if silent(w) {
			c.answer(w, status)
		}
	})
}

// ours reports whether a status is that of an end which the gateway has brought about.
func ours(status int) bool { return status != http.StatusInternalServerError }

// silent reports whether it is certain that nobody has answered through w, nor taken
// its connection. net/http knows, and tells nobody: whatever one may ask of its writers
// is an answer, or a complaint in the log. Of others' writers some tell.
func silent(w http.ResponseWriter) bool {
	if writer, ok := w.(interface{ Written() bool }); ok {
		status, ok := w.(interface{ Status() int }) // gin's keeps one until something is written
		return !writer.Written() && (!ok || status.Status() == http.StatusOK)
	}
	writer := reflect.Indirect(reflect.ValueOf(w))
	switch writer.Type().String() {
	case "http.response":
		hijacked := reflect.Indirect(field(writer, "conn"))
		return isFalse(field(writer, "wroteHeader")) && isFalse(field(hijacked, "hijackedv"))
	case "http.http2responseWriter", "http2.responseWriter":
		return isFalse(field(reflect.Indirect(field(writer, "rws")), "wroteHeader"))
	}
	return false
}

// hijacked reports whether a handler has taken the connection. Whoever flushes the writer
// then has net/http complain in the log.
func hijacked(w http.ResponseWriter) bool {
	writer := reflect.Indirect(reflect.ValueOf(innermost(w)))
	if writer.Type().String() != "http.response" {
		return false
	}
	taken := field(reflect.Indirect(field(writer, "conn")), "hijackedv")
	return taken.Kind() == reflect.Bool && taken.Bool()
}

// field returns a field, or the zero Value where there is none.
func field(of reflect.Value, name string) reflect.Value {
	if of.Kind() != reflect.Struct {
		return reflect.Value{}
	}
	return of.FieldByName(name)
}

func isFalse(v reflect.Value) bool { return v.Kind() == reflect.Bool && !v.Bool() }
