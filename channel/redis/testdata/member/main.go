// Member is a process for tests: it is in a group, keeps history and holds a job, until it
// is killed.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/parleygo/parley/channel"
	"github.com/parleygo/parley/channel/redis"
)

func main() {
	ctx := context.Background()
	transport, err := redis.New(redis.Options{URLs: []string{os.Args[1]}})
	if err != nil {
		log.Fatal(err)
	}
	layer := channel.New(channel.Options{Transport: transport, History: []channel.HistoryRule{
		{Pattern: "kept*", Keep: channel.Keep{Age: time.Minute}}}})
	count, err := strconv.Atoi(os.Args[2])
	for i := 0; i < count && err == nil; i++ {
		err = enter(ctx, layer, i)
	}
	if err != nil {
		log.Fatal(err)
	}
	jobs, err := transport.Take(ctx, os.Args[3], 1, 5*time.Second)
	fmt.Println(time.Now().Unix(), len(jobs), err)
	select {}
}

func enter(ctx context.Context, layer *channel.Layer, i int) error {
	inbox, err := layer.Open(ctx, channel.InboxOptions{Policy: channel.DropOldest})
	if err == nil {
		_, err = inbox.Enter(ctx, "room", i)
	}
	if err == nil {
		_, err = layer.GroupSend(ctx, "kept", channel.NewMessage("line", fmt.Append(nil, i)))
	}
	return err
}
