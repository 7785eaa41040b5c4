"""What people look at: figures of the mart, put together for one picture each."""
