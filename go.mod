module github.com/safetrip-go/safetrip

go 1.26
