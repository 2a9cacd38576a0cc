//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// throughWrk measures requests with wrk, which asks one question all the time. Whether
// all of them are answered right has been looked at before.
func (s *setup) throughWrk(p *process) (m result, err error) {
	path, _ := question(routes / 2)
	url := fmt.Sprintf("http://127.0.0.1:%d%s", p.port, path)
	wrk := func(duration string) (int, error) {
		out, err := exec.Command(s.wrk, "-t1", "-c64", "-d"+duration,
			"-H", "Host: www.example.com", url).Output()
		if err != nil {
			return 0, err
		}
		return answeredByWrk(string(out))
	}
	if _, err := wrk("1s"); err != nil { // so that all is warm
		return m, err
	}
	meter := s.meter(p)
	answered, err := wrk("1s")
	meter.each(&m, answered)
	return m, err
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^ *(\d+) requests in `)
	wrkFailures = regexp.MustCompile(`(?m)^ *(Socket errors: .*|Non-2xx or 3xx responses: .*)$`)
)

// answeredByWrk reads how many requests were answered, all of them if that is no error.
func answeredByWrk(out string) (int, error) {
	if failures := wrkFailures.FindStringSubmatch(out); failures != nil {
		return 0, fmt.Errorf("wrk: %s", failures[1])
	}
	requests := wrkRequests.FindStringSubmatch(out)
	if requests == nil {
		return 0, fmt.Errorf("wrk says %q", out)
	}
	return strconv.Atoi(requests[1])
}
