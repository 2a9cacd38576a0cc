module github.com/parleygo/parley/channel/redis

go 1.25.0

require (
	github.com/parleygo/parley v0.0.0
	github.com/redis/rueidis v1.0.79
	go.uber.org/goleak v1.3.0
)

require golang.org/x/sys v0.47.0 // indirect

replace github.com/parleygo/parley => ../..
