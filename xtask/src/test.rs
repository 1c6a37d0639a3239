pub fn test() -> anyhow::Result<()> {
    anyhow::bail!("later")
}
