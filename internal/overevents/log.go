package overevents

import (
	"fmt"
	"log"
	"net/http"
	"path"
	"runtime"
	"strings"
)

// logf complains about a handler where net/http would: in the error log of the
// server behind the conversation, or else in the standard one.
func (w *Writer) logf(format string, args ...any) {
	if server, ok := w.ctx.Value(http.ServerContextKey).(*http.Server); ok && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}

// handlerFrame tells who called the writer: the first function that is neither the
// writer's nor net/http's.
func handlerFrame() string {
	var stack [16]uintptr
	frames := runtime.CallersFrames(stack[:runtime.Callers(2, stack[:])])
	for {
		frame, more := frames.Next()
		if !more || !strings.HasPrefix(frame.Function, "net/http.") && !ownFrame(frame.Function) {
			return fmt.Sprintf("%s (%s:%d)", frame.Function, path.Base(frame.File), frame.Line)
		}
	}
}

// ownFrame reports whether function is a method of the writer or stands behind one.
func ownFrame(function string) bool {
	_, name, _ := strings.Cut(function, "/internal/overevents.")
	return strings.HasPrefix(name, "(*Writer).") || strings.HasPrefix(name, "write[")
}
