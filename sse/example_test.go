package sse_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/sse"
)

func ExampleFunc() {
	countdown := sse.Func(func(ctx context.Context, stream *sse.Stream) error {
		for _, n := range []string{"2", "1"} {
			if err := stream.Send(ctx, sse.Event{ID: n, Data: "in " + n + "\nseconds"}); err != nil {
				return err // the client is gone
			}
		}
		return nil
	}, sse.Options{})
	fmt.Print(parleytest.Do(new(testing.T), countdown, httptest.NewRequest("GET", "/", nil)).Body)
	// Output:
	// id: 2
	// data: in 2
	// data: seconds
	//
	// id: 1
	// data: in 1
	// data: seconds
}
