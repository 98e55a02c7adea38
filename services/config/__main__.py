from services.config.main import main
from services.config.settings import ConfigSettings
from shared.runtime.service import run

if __name__ == "__main__":
    run("config", ConfigSettings, main)
