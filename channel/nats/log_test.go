package nats_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/nats"
)

var keepAll = channel.Keep{Messages: math.MaxInt, Age: math.MaxInt64, Bytes: math.MaxInt}

func TestLog(t *testing.T) {
	everywhere(t, func(t *testing.T, dial func(t *testing.T) *nats.Transport) {
		a, b := dial(t), dial(t)
		got := make(chan channel.Entry, 100)
		past, err := a.Since(patient(t), "room", channel.Position{}, 0)
		if err != nil || past.Last != 0 || past.First != 1 {
			t.Fatalf("nothing: %+v, %v", past, err)
		}
		if _, err := b.Follow(patient(t), "room", func(e channel.Entry) { got <- e }); err != nil {
			t.Fatal(err)
		}
		keep := channel.Keep{Messages: 5, Age: time.Hour, Bytes: 1 << 20}
		var positions []channel.Position
		for i := range 8 {
			if _, err := a.Append(patient(t), "other", []byte("x"), keep); err != nil {
				t.Fatal(err)
			}
			p, err := a.Append(patient(t), "room", fmt.Append(nil, i), keep)
			if err != nil {
				t.Fatal(err)
			}
			positions = append(positions, p)
		}
		var previous uint64
		for i := range 8 {
			e := <-got
			if e.Position != positions[i] || e.Previous != previous || string(e.Payload) != fmt.Sprint(i) {
				t.Errorf("entry %d: %+v", i, e)
			}
			previous = e.Position.Offset
		}
		past, err = b.Since(patient(t), "room", positions[4], 2)
		if err != nil || past.Epoch != positions[0].Epoch || past.First != positions[3].Offset ||
			past.Last != positions[7].Offset || len(past.Entries) != 2 ||
			past.Entries[0].Previous != positions[4].Offset || string(past.Entries[1].Payload) != "6" {
			t.Errorf("%+v, %v, positions %v", past, err, positions)
		}
	})
}
