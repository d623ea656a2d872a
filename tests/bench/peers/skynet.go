// SPDX-License-Identifier: MIT
// skynet.go - skynet: a tree of goroutines, ten to each branch, N leaves; the sums come back over one channel a branch
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

const ways = 10

func branch(up chan int64, first, leaves int64) {
	if leaves == 1 {
		up <- first
		return
	}
	sums := make(chan int64, ways)
	part := leaves / ways
	for i := int64(0); i < ways; i++ {
		go branch(sums, first+i*part, part)
	}
	total := int64(0)
	for i := 0; i < ways; i++ {
		total += <-sums
	}
	up <- total
}

func main() {
	n := int64(1000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	start := time.Now()
	up := make(chan int64, 1)
	go branch(up, 0, n)
	sum := <-up
	fmt.Printf("skynet %.3f ms %d\n", float64(time.Since(start).Nanoseconds())/1e6, sum)
}
