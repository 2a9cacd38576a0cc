//go:build unix

package main

import (
	"strings"
	"testing"
)

const byWrk = `Running 1s test @ http://127.0.0.1:46073/r50/users/50/parts/51
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.27ms  443.13us   9.33ms   91.44%
    Req/Sec    50.32k     4.21k   56.14k    70.00%
  50143 requests in 1.00s, 6.36MB read
Requests/sec:  50089.61
Transfer/sec:      6.35MB
`

func TestAnsweredByWrk(t *testing.T) {
	const line = "Requests/sec:"
	for _, test := range []struct {
		out, fault string
		want       int
	}{
		{byWrk, "", 50143},
		{strings.Replace(byWrk, line, "  Socket errors: connect 0, read 3, write 0, timeout 0\n"+line, 1),
			"wrk: Socket errors: connect 0, read 3, write 0, timeout 0", 0},
		{strings.Replace(byWrk, line, "  Non-2xx or 3xx responses: 7\n"+line, 1),
			"wrk: Non-2xx or 3xx responses: 7", 0},
		{"unable to connect", `wrk says "unable to connect"`, 0},
	} {
		got, err := answeredByWrk(test.out)
		if got != test.want || err == nil && test.fault != "" || err != nil && err.Error() != test.fault {
			t.Errorf("%d, %v, want %d, %s", got, err, test.want, test.fault)
		}
	}
}
