package consumer_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/consumer"
	"github.com/parleygo/parley/parleytest"
)

// auction is a consumer whose clients say several things, and ask for some.
type auction struct{ highest int }

type bid struct {
	Amount int `json:"amount"`
}

func (a *auction) Bid(_ context.Context, _ *consumer.Conn, bid bid) (bool, error) {
	if bid.Amount <= 0 {
		return false, &consumer.Error{Code: "bad_amount", Message: "bid"}
	}
	won := bid.Amount > a.highest
	a.highest = max(a.highest, bid.Amount)
	return won, nil
}

func (a *auction) Leave(context.Context, *consumer.Conn, struct{}) error { return consumer.ErrStop }

func ExampleAnswerType() {
	t := new(testing.T) // in a test it is the test's own
	app := consumer.New(func() *auction { return new(auction) },
		consumer.AnswerType("bid", (*auction).Bid),
		consumer.ReceiveType("leave", (*auction).Leave),
	)
	client := parleytest.Dial(t, app, httptest.NewRequest("GET", "/auction", nil))
	for _, message := range []string{
		`{"type":"bid","id":1,"amount":50}`,
		`{"type":"bid","id":2,"amount":40}`,
		`{"type":"bid","id":3,"amount":0}`,
		`{"type":"sell","id":4}`,
		`{"type":"parley.ping"}`,
	} {
		client.Send(parley.Text(message))
		fmt.Println(client.Receive().Text())
	}
	client.Send(parley.Text(`{"type":"leave"}`))
	code, _ := client.Closed()
	fmt.Println(code)
	// Output:
	// {"type":"parley.reply","id":1,"result":true}
	// {"type":"parley.reply","id":2,"result":false}
	// {"type":"parley.reply","id":3,"error":{"code":"bad_amount","message":"bid"}}
	// {"type":"parley.reply","id":4,"error":{"code":"unknown_type","message":"nobody handles this type"}}
	// {"type":"parley.pong"}
	// 1000
}
