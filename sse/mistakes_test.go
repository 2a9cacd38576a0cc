package sse_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

// TestMistakes: each is told at once, in words that say what is wrong, and nothing of
// it reaches the client.
func TestMistakes(t *testing.T) {
	sends := func(event sse.Event) func() error {
		return func() (err error) {
			app := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
				err = stream.Send(ctx, event)
				return stream.Comment(ctx, "fine")
			}, sse.Options{})
			body := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil)).Body
			if !strings.Contains(body, ": fine\n\n") || strings.Contains(body, "evil") {
				t.Errorf("the client got %q", body)
			}
			return err
		}
	}
	for _, test := range []struct {
		mistake string
		do      func() error
		words   string
	}{
		{"no function", func() error {
			sse.Func(nil, sse.Options{})
			return nil
		}, "sse: Func of a nil function"},
		{"name of two lines", sends(sse.Event{Name: "a\ndata: evil"}), "line break or NUL"},
		{"name with a return", sends(sse.Event{Name: "a\rdata: evil"}), "line break or NUL"},
		{"id of two lines", sends(sse.Event{ID: "1\nevent: evil"}), "line break or NUL"},
		{"id with NUL", sends(sse.Event{ID: "evil\x00"}), "line break or NUL"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			if err := told(test.do); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("told %v, want %q", err, test.words)
			}
		})
	}
}

// told returns what f says, by an error or by a panic.
func told(f func() error) (err error) {
	defer func() {
		if text, ok := recover().(string); ok {
			err = errors.New(text)
		}
	}()
	return f()
}
