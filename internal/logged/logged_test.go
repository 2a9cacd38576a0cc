package logged

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"testing"
)

// badLog is a handler of log records that ends as it is told.
type badLog struct {
	slog.Handler
	end func()
}

func (l badLog) Handle(context.Context, slog.Record) error { l.end(); return nil }

// TestLine: a line is written before Line returns, and a log that breaks breaks nobody.
func TestLine(t *testing.T) {
	var written []string
	log := func(end func()) *slog.Logger {
		return slog.New(badLog{slog.NewTextHandler(io.Discard, nil), end})
	}
	for name, end := range map[string]func(){
		"returns": func() {}, "panics": func() { panic("log") }, "exits": runtime.Goexit,
	} {
		Line(log(func() { written = append(written, name); end() }), slog.LevelError, "failed", "who", name)
	}
	if len(written) != 3 {
		t.Errorf("written: %v", written)
	}
}

// tracing is a handler of log records that looks for a trace.
type tracing struct {
	slog.Handler
	saw *any
}

func (l tracing) Handle(ctx context.Context, _ slog.Record) error {
	*l.saw = ctx.Value(traceKey{})
	return nil
}

type traceKey struct{}

// TestLineIn: who writes the line finds what the context has.
func TestLineIn(t *testing.T) {
	var saw any
	log := slog.New(tracing{slog.NewTextHandler(io.Discard, nil), &saw})
	LineIn(context.WithValue(t.Context(), traceKey{}, "trace"), log, slog.LevelError, "failed")
	if saw != "trace" {
		t.Errorf("the log saw %v", saw)
	}
}

func TestMark(t *testing.T) {
	marked := Mark(io.ErrUnexpectedEOF)
	if !Is(marked) || !Is(fmt.Errorf("above: %w", marked)) || Is(io.ErrUnexpectedEOF) || Is(nil) {
		t.Error("what was marked is not told from what was not")
	}
	if !errors.Is(marked, io.ErrUnexpectedEOF) || marked.Error() != io.ErrUnexpectedEOF.Error() {
		t.Errorf("marked, the error is %v", marked)
	}
}
