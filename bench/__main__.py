"""``python -m bench``: see `bench.command`."""

if __name__ == "__main__":
    # Not above: every process that is started for a measurement imports this file again.
    from bench.command import main

    main()
