package etcdstore

func workerChild() error { return nil }
