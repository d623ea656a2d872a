// SPDX-License-Identifier: MIT
// fork-join.go - fork-join: N goroutines, each of which computes once; their results come back over one channel
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const forkSteps = 4500

func compute(x int64) int64 {
	for i := 0; i < forkSteps; i++ {
		x = (x*1103515 + 12345) & 0x7fffffff
	}
	return x
}

func main() {
	n := int64(100000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	start := time.Now()
	results := make(chan int64, n)
	for i := int64(0); i < n; i++ {
		go func(seed int64) { results <- compute(seed) }(i)
	}
	sum := int64(0)
	for i := int64(0); i < n; i++ {
		sum += <-results
	}
	fmt.Printf("fork-join %.3f ms %d\n", float64(time.Since(start).Nanoseconds())/1e6, sum)
}
