package stateless_test

import (
	"context"
	"fmt"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/stateless"
)

// Each chat of a bot is a conversation of its own, with what was said in local variables.
func Example() {
	chat := func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		var items []string
		for {
			event, err := conn.Receive(ctx)
			message, ok := event.(parley.ChannelReceive)
			if !ok {
				return err
			}
			if items = append(items, string(message.Data)); len(items) == 2 {
				return conn.Send(ctx, parley.ChannelReceive{Data: fmt.Append(nil, items)})
			}
		}
	}
	answers := make(chan string)
	server := stateless.New(parley.AppFunc(chat), stateless.Options{
		Send: func(_ context.Context, name string, event parley.Event) error {
			answers <- fmt.Sprintf("to %s: %s", name, event.(parley.ChannelReceive).Data)
			return nil
		},
	})
	err := server.Run(context.Background(), func(ctx context.Context) error {
		for _, said := range [][2]string{
			{"ann", "tea"}, {"bob", "milk"}, {"ann", "sugar"}, {"bob", "honey"},
		} {
			err := server.Deliver(ctx, said[0], parley.ChannelReceive{Data: []byte(said[1])})
			if err != nil {
				return err
			}
			if said[1] == "sugar" || said[1] == "honey" {
				fmt.Println(<-answers)
			}
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// to ann: [tea sugar]
	// to bob: [milk honey]
	// <nil>
}
