// Clock says what time it is, in seconds and as JSON has it, and how long nothing took.
package main

import (
	"fmt"
	"time"
)

func main() {
	before := time.Now()
	fmt.Println(before.Unix(), before.Round(0).Format(time.RFC3339), time.Since(before).Seconds())
}
