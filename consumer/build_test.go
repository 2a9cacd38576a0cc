package consumer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/consumer"
)

type stranger struct{}

func (*stranger) Heard(context.Context, *consumer.Conn, said) error { return nil }

// Mistakes in the wiring panic at start-up, and say what they are.
func TestNewPanics(t *testing.T) {
	layer := newLayer(t)
	newRoom := (&room{}).factory
	with := consumer.Options{Layer: layer}
	for want, build := range map[string]func(){
		"nil constructor":     func() { consumer.New[int](nil) },
		"not of *consumer":    func() { consumer.New(newRoom, with, consumer.On("a", (*stranger).Heard)) },
		"two handlers for a":  func() { consumer.New(newRoom, with, consumer.Forward("a"), consumer.On("a", (*room).Heard)) },
		"two handlers made":   func() { consumer.New(newRoom, consumer.Receive((*room).Said), consumer.Receive((*room).Said)) },
		"without Options":     func() { consumer.New(newRoom, consumer.Forward("a")) },
		"Options.Groups with": func() { consumer.New(newRoom, consumer.Options{Groups: []channel.Group{"a"}}) },
		"Options.Groups:":     func() { consumer.New(newRoom, consumer.Options{Layer: layer, Groups: []channel.Group{"a b"}}) },
		`Forward("a b")`:      func() { consumer.Forward("a b") },
		`On("")`:              func() { consumer.On("", (*room).Heard) },
		"On of a nil":         func() { consumer.On[*room, said]("a", nil) },
		"Receive of a nil":    func() { consumer.Receive[*room, said](nil) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) || !strings.HasPrefix(got, "consumer: ") {
					t.Errorf("panicked with %q, want %q", got, want)
				}
			}()
			build()
		}()
	}
}
